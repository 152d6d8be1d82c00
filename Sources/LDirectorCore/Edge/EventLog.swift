// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LDirectorConfig
import LinuxKit

/// Writes event lines: `[date|INSTANCE|pid] text` to a file, or the text to syslog, a terminal or a supervisor.
public final class EventLog {
    /// Where lines go.
    public enum Target: Equatable, Sendable {
        /// As the configuration says.
        case configured(DaemonSettings.LogTarget)
        /// Standard error, for a run in the foreground.
        case terminal
        /// Standard output as `[date] text`, for a supervisor.
        case supervisor
    }

    /// Where lines go; may change on reload.
    public var target: Target

    private let instance: String

    /// Prepares a log; nothing is opened before the first line.
    public init(_ target: Target, instance: String) {
        self.target = target
        self.instance = instance
    }

    /// Writes one line; control characters are shown as `?`, so that one event is one line.
    ///
    /// A file is opened and closed for each line, so that log rotation needs no signal. What cannot be written to the file
    /// goes to standard error: a log that fails must not stop the director.
    public func write(_ text: String) {
        let safe = String(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "?" : Character($0) })
        switch target {
        case .terminal: Self.write("[\(Self.date)|\(instance)|\(getpid())] \(safe)", to: STDERR_FILENO)
        case .supervisor: Self.write("[\(Self.date)] \(safe)", to: STDOUT_FILENO)
        case .configured(.syslog(let facility)):
            vervet_syslog(CInt(Self.facilities[facility] ?? 3) << 3 | LOG_INFO, "ldirectord[\(getpid())]: \(safe)")
        case .configured(.file(let path)):
            let line = "[\(Self.date)|\(instance)|\(getpid())] \(safe)"
            do {
                let file = try OwnedDescriptor(
                    opening: path,
                    flags: O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY,
                    mode: 0o644
                )
                guard Self.write(line, to: file.raw) else {
                    throw SystemError.last("write", path)
                }
            } catch {
                Self.write("\(line) (\(error))", to: STDERR_FILENO)
            }
        }
    }

    /// Writes a line that only somebody who looks on wants to see (`-d`).
    public func debug(_ text: @autoclosure () -> String) {
        if target == .terminal {
            write("DEBUG: \(text())")
        }
    }

    /// Says why the target of a configuration cannot be used; nil when it can.
    public static func problem(of target: DaemonSettings.LogTarget) -> String? {
        switch target {
        case .syslog(let facility):
            return facilities[facility] == nil ? "logfile: \"\(facility)\" is no syslog facility" : nil
        case .file(let path):
            do {
                _ = try OwnedDescriptor(opening: path, flags: O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, mode: 0o644)
                return nil
            } catch {
                return "logfile: \(error)"
            }
        }
    }

    /// Facility numbers of RFC 5424 by the names of syslog.h.
    private static let facilities: [String: Int] = [
        "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9,
        "authpriv": 10, "ftp": 11, "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21,
        "local6": 22, "local7": 23,
    ]

    /// Local time as ctime(3) writes it.
    static var date: String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        strftime(&buffer, buffer.count, "%a %b %e %H:%M:%S %Y", &parts)
        return String(nulTerminated: buffer)
    }

    @discardableResult
    private static func write(_ line: String, to descriptor: CInt) -> Bool {
        let bytes = Array((line + "\n").utf8)
        return Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    }
}
