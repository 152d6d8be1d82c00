// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LDirectorConfig
import LinuxKit

/// Writes event lines: `[date|INSTANCE|pid] text` to a file, or the text to syslog, a terminal or a supervisor.
///
/// Nothing that happens to a log stops or delays the director.
public final class EventLog {
    /// Where lines go.
    public enum Target: Equatable, Sendable {
        /// As the configuration says.
        case configured(DaemonSettings.LogTarget)
        /// Standard error, for a run in the foreground.
        case terminal
        /// Standard output as `[date] text`, for a supervisor; without the date for the journal, which has its own.
        case supervisor
    }

    /// Where lines go; may change on reload.
    public var target: Target

    private let instance: String
    private let allowsSupervisor: Bool
    private let systemLog = SystemLog(tag: "ldirectord")
    private lazy var isJournal = Self.leadsToJournal(STDOUT_FILENO)
    /// Lines that the file did not take since it last did.
    private var missing = 0

    /// Prepares a log; nothing is opened before the first line.
    ///
    /// - Parameters:
    ///   - target: Where lines go at first.
    ///   - instance: The name of the instance.
    ///   - allowsSupervisor: Whether somebody reads standard output, where `supervised` sends the lines.
    public init(_ target: Target, instance: String, allowsSupervisor: Bool = true) {
        self.target = target
        self.instance = instance
        self.allowsSupervisor = allowsSupervisor
    }

    /// Writes where a configuration says from now on; a terminal stays.
    public func follow(_ settings: DaemonSettings) {
        if target != .terminal {
            target = settings.isSupervised && allowsSupervisor ? .supervisor : .configured(settings.logTarget)
        }
    }

    /// Writes one line; control characters are shown as `?`, so that one event is one line.
    public func write(_ text: String) {
        let safe = String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "?" : $0 })
        )
        switch target {
        case .terminal: Self.write(stamped(safe), to: STDERR_FILENO)
        case .supervisor: Self.write(isJournal ? safe : "[\(Self.date)] \(safe)", to: STDOUT_FILENO)
        case .configured(.syslog(let facility)):
            let priority = CInt(Self.facilities[facility] ?? 3) << 3 | LOG_INFO
            if !systemLog.write(safe, priority: priority) {
                Self.write(stamped(safe), to: STDERR_FILENO)
            }
        case .configured(.file(let path)): write(safe, toFile: path)
        }
    }

    /// Writes a line that only somebody who looks on wants to see (`-d`).
    public func debug(_ text: @autoclosure () -> String) {
        if target == .terminal {
            write("DEBUG: \(text())")
        }
    }

    /// Opens the file for each line, so that log rotation needs no signal.
    ///
    /// A line that it does not take (the disk is full) goes to syslog and to standard error.
    private func write(_ text: String, toFile path: String) {
        do {
            let file = try OwnedDescriptor(
                opening: path,
                flags: O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK,
                mode: 0o644
            )
            if missing > 0, Self.write(stamped("\(missing) lines are missing here, see syslog"), to: file.raw) {
                missing = 0
            }
            guard Self.write(stamped(text), to: file.raw) else {
                throw SystemError.last("write", path)
            }
        } catch {
            missing += 1
            let remark = missing == 1 ? "\(text) (\(error))" : text
            systemLog.write(remark, priority: 3 << 3 | LOG_INFO)
            Self.write(stamped(remark), to: STDERR_FILENO)
        }
    }

    private func stamped(_ text: String) -> String { "[\(Self.date)|\(instance)|\(getpid())] \(text)" }

    /// Says why the target of a configuration cannot be used; nil when it can.
    public static func problem(of target: DaemonSettings.LogTarget) -> String? {
        switch target {
        case .syslog(let facility):
            return facilities[facility] == nil ? "logfile: \"\(facility)\" is no syslog facility" : nil
        case .file(let path):
            do {
                _ = try OwnedDescriptor(
                    opening: path,
                    flags: O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK,
                    mode: 0o644
                )
                return nil
            } catch {
                // A full or read-only disk is no mistake of the configuration, and passes.
                return error.code == ENOSPC || error.code == EROFS || error.code == EDQUOT ? nil : "logfile: \(error)"
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

    /// Whether systemd says that this descriptor is its journal (`JOURNAL_STREAM`, systemd.exec(5)).
    private static func leadsToJournal(_ descriptor: CInt) -> Bool {
        var info = stat()
        guard let stream = getenv("JOURNAL_STREAM"), fstat(descriptor, &info) == 0 else {
            return false
        }
        return String(cString: stream) == "\(info.st_dev):\(info.st_ino)"
    }

    @discardableResult
    private static func write(_ line: String, to descriptor: CInt) -> Bool {
        let bytes = Array((line + "\n").utf8)
        return Glibc.write(descriptor, bytes, bytes.count) == bytes.count
    }
}
