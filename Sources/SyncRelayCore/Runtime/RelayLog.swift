// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Where the relay's lines go: syslog, or standard error when asked for.
///
/// Used by the main thread only.
final class RelayLog {
    private let system: SystemLog?

    init(isForeground: Bool) {
        system = isForeground ? nil : SystemLog(tag: "syncrelay")
    }

    func write(_ level: RelayLogLevel, _ text: String) {
        guard let system else {
            let bytes = Array("\(level.rawValue): \(text)\n".utf8)
            // A closed terminal must not stop the relay.
            _ = Glibc.write(2, bytes, bytes.count)
            return
        }
        let severity =
            switch level {
            case .notice: LOG_NOTICE
            case .warning: LOG_WARNING
            case .error: LOG_ERR
            }
        // Nobody to tell when nobody takes it.
        system.write("\(level.rawValue): \(text)", priority: CInt(severity | LOG_DAEMON))
    }
}
