// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// Where the daemon's lines go: syslog, and a file or the terminal when asked for.
///
/// Used by the main thread only.
final class HeartbeatLog {
    private let file: OwnedDescriptor
    private let hasFile: Bool
    private let isForeground: Bool
    private let level: LogLevel

    init(file path: String?, level: LogLevel, isForeground: Bool) throws(SystemError) {
        self.isForeground = isForeground
        self.level = level
        hasFile = path != nil
        let flags = O_WRONLY | O_APPEND | O_CREAT
        file = try OwnedDescriptor(opening: path ?? "/dev/null", flags: path == nil ? O_WRONLY : flags, mode: 0o640)
    }

    func write(_ level: LogLevel, _ text: String) {
        guard level >= self.level else {
            return
        }
        let line = "\(level): \(text)"
        if isForeground {
            put(2, line)
        } else {
            vervet_syslog(priority(level) | CInt(LOG_DAEMON), "heartbeat[\(getpid())]: \(line)")
        }
        if hasFile {
            put(file.raw, "\(Self.timestamp()) heartbeat[\(getpid())]: \(line)")
        }
    }

    private func put(_ descriptor: CInt, _ line: String) {
        let bytes = Array((line + "\n").utf8)
        // A full disk or a closed terminal must not stop a heartbeat.
        _ = Glibc.write(descriptor, bytes, bytes.count)
    }

    private func priority(_ level: LogLevel) -> CInt {
        switch level {
        case .debug: CInt(LOG_DEBUG)
        case .info: CInt(LOG_INFO)
        case .notice: CInt(LOG_NOTICE)
        case .warning: CInt(LOG_WARNING)
        case .error: CInt(LOG_ERR)
        }
    }

    /// The local wall clock with milliseconds, for people only.
    private static func timestamp() -> String {
        var now = timespec()
        // Cannot fail: the clock exists (clock_gettime(2)).
        _ = clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        localtime_r(&now.tv_sec, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let milliseconds = String(now.tv_nsec / 1_000_000 + 1000).dropFirst()
        return "\(String(nulTerminated: buffer)).\(milliseconds)"
    }
}
