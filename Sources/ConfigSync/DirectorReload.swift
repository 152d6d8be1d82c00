// SPDX-License-Identifier: Apache-2.0
import LDirectorCore
import LinuxKit

/// Lets the ldirectord that serves a file read it again.
struct DirectorReload {
    /// Names may have to be looked up.
    private static let patience = Duration.seconds(30)

    private let instances: [String]

    init(of path: String) {
        let name = AtomicFile.split(path).name
        // Started without a file it is called after the program.
        instances = name == "ldirectord.cf" ? [name, "ldirectord"] : [name]
    }

    /// Why the file is not used; nil when it is, or when no ldirectord runs here.
    func perform() -> String? {
        for instance in instances {
            let client = ControlClient(path: RuntimeFiles(instance: instance).controlSocket)
            do throws(ControlClient.Failure) {
                let answer = try client.ask("reload", timeout: Self.patience)
                return answer == "ok\n" ? nil : answer.split(separator: "\n").joined(separator: "; ")
            } catch {
                if case .notRunning = error {
                    continue
                }
                return "\(error)"
            }
        }
        return nil
    }
}
