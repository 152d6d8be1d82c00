// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Writes the checks' results of virtual servers with a `monitorfile`; what cannot be written is told once.
final class MonitorFiles {
    private let log: EventLog
    private var broken: Set<String> = []

    init(log: EventLog) { self.log = log }

    /// Says why a file cannot be written; nil when it can.
    static func problem(of path: String) -> String? {
        do {
            _ = try open(path)
            return nil
        } catch {
            return "monitorfile: \(error)"
        }
    }

    private static func open(_ path: String) throws(SystemError) -> OwnedDescriptor {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK
        return try OwnedDescriptor(opening: path, flags: flags, mode: 0o644)
    }

    /// Adds lines; the file is opened and closed for them, so that log rotation needs no signal.
    func write(_ lines: [String], to path: String) {
        let text = lines.map { "[\(EventLog.date)] [\(getpid())] \($0)\n" }.joined()
        do {
            let file = try Self.open(path)
            let bytes = Array(text.utf8)
            guard Glibc.write(file.raw, bytes, bytes.count) == bytes.count else {
                throw SystemError.last("write", path)
            }
            if broken.remove(path) != nil {
                log.write("monitorfile: \(path) can be written again")
            }
        } catch {
            if broken.insert(path).inserted {
                log.write("monitorfile: \(error); the checks go on")
            }
        }
    }
}
