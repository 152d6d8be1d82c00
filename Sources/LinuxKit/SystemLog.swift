// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// Writes lines to syslog (`/dev/log`) without ever waiting for it, unlike syslog(3).
public final class SystemLog {
    private let path: String
    private let tag: String
    private var socket: OwnedDescriptor?

    /// Prepares for lines of `tag[pid]`; nothing is opened yet.
    public init(tag: String, path: String = "/dev/log") {
        self.tag = tag
        self.path = path
    }

    /// Writes one line.
    ///
    /// - Parameters:
    ///   - text: The line.
    ///   - priority: Facility and severity, as syslog(3) has them.
    /// - Returns: False when nobody took it: there is no syslog, or it does not keep up.
    @discardableResult
    public func write(_ text: String, priority: CInt) -> Bool {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        var date = [CChar](repeating: 0, count: 32)
        strftime(&date, date.count, "%b %e %H:%M:%S", &parts)
        let line = Array("<\(priority)>\(String(nulTerminated: date)) \(tag)[\(getpid())]: \(text)".utf8)
        if socket != nil, send(line) {
            return true
        }
        // The daemon behind the socket may be another one by now.
        guard errno != EAGAIN, connect() else {
            return false
        }
        return send(line)
    }

    private func send(_ line: [UInt8]) -> Bool {
        guard let descriptor = socket?.raw else {
            return false
        }
        return Glibc.send(descriptor, line, line.count, CInt(MSG_NOSIGNAL)) == line.count
    }

    private func connect() -> Bool {
        socket = nil
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return false
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = Glibc.socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else {
            return false
        }
        let opened = OwnedDescriptor(owning: descriptor)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else {
            return false
        }
        socket = consume opened
        return true
    }
}
