// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// Tells the service manager how a daemon stands, by the datagrams of sd_notify(3); without a manager it does nothing.
public struct ServiceNotifier: Sendable {
    /// The manager's socket: a path, or an abstract name after `@`; nil when nobody wants to know.
    public let socketPath: String?

    /// How often the manager wants to hear `WATCHDOG=1` (`WatchdogSec=`); nil when not at all.
    public let watchdogInterval: Duration?

    /// Nobody wants to know.
    public init() {
        socketPath = nil
        watchdogInterval = nil
    }

    /// Takes what the manager left in our environment out of it, so that no child of ours speaks in our name.
    ///
    /// - Returns: The notifier, for the process that the manager started.
    public static func takeFromEnvironment() -> ServiceNotifier {
        let value = { (name: String) in getenv(name).map { String(cString: $0) } }
        let path = value("NOTIFY_SOCKET")
        let microseconds = value("WATCHDOG_USEC").flatMap { Int64($0) }
        let isOurs = value("WATCHDOG_PID").map { $0 == String(getpid()) } ?? true
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
            unsetenv(name)
        }
        return ServiceNotifier(
            socketPath: path,
            watchdogInterval: isOurs ? microseconds.flatMap { $0 > 0 ? .microseconds($0) : nil } : nil
        )
    }

    /// Describes a manager.
    public init(socketPath: String?, watchdogInterval: Duration?) {
        self.socketPath = socketPath
        self.watchdogInterval = watchdogInterval
    }

    /// Sends assignments such as `READY=1`; one that cannot be sent at once is not sent.
    ///
    /// - Parameter assignments: What is told; line feeds within are replaced.
    public func send(_ assignments: [String]) {
        guard let socketPath, socketPath.hasPrefix("/") || socketPath.hasPrefix("@"), !assignments.isEmpty else {
            return
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(socketPath.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return
        }
        if name[0] == UInt8(ascii: "@") {
            name[0] = 0
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else {
            return
        }
        defer { close(descriptor) }
        let lines = assignments.map { String($0.map { $0.isNewline ? " " : $0 }) }
        let text = Array(lines.joined(separator: "\n").utf8)
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // A manager that does not listen is no reason to stop working.
                _ = sendto(descriptor, text, text.count, CInt(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
