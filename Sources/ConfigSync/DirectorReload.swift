// SPDX-License-Identifier: Apache-2.0
import Glibc
import LDirectorCore
import LinuxKit

/// Lets the ldirectord that serves a file read it again.
struct DirectorReload {
    /// Names may have to be looked up.
    private static let patience = Duration.seconds(30)

    /// Between two looks at a reload that is under way, in microseconds.
    private static let interval: useconds_t = 50_000

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
                _ = try client.ask("reload", timeout: Self.patience)
                return try outcome(client)
            } catch {
                if case .notRunning = error {
                    continue
                }
                return "\(error)"
            }
        }
        return nil
    }

    /// Waits until ldirectord has read the file; why it does not use it, or nil.
    private func outcome(_ client: ControlClient) throws(ControlClient.Failure) -> String? {
        let end = SuspendingClock.now + Self.patience
        while SuspendingClock.now < end {
            guard let status = JSONValue(parsing: try client.ask("status json", timeout: Self.patience)) else {
                return "ldirectord's status cannot be read"
            }
            if case .null? = status["reload_under_way_since"] {
                let reasons = status["rejected_configuration"]?.elements.compactMap(\.string) ?? []
                return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
            }
            usleep(Self.interval)
        }
        return "ldirectord is still reading it"
    }
}
