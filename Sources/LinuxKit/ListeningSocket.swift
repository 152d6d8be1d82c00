// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// Sockets that wait for connections, close-on-exec and non-blocking.
public enum ListeningSocket {
    /// Who may connect to a local socket.
    public enum Audience: Sendable {
        /// Root, and where it exists the cluster manager's group: mode 0660 root:haclient, else 0600.
        case administrators
        /// Everybody: mode 0666.
        case everybody
    }

    private static let backlog: CInt = 32
    private static let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

    /// Listens on a path; a socket that is there is replaced, so the caller must know that nobody uses it.
    ///
    /// - Parameters:
    ///   - path: The socket; anything but a socket at this place is left alone.
    ///   - audience: Who may connect.
    /// - Returns: The socket.
    /// - Throws: ``SystemError``; EEXIST when something else has this name.
    public static func local(_ path: String, for audience: Audience) throws(SystemError) -> OwnedDescriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(operation: "bind", subject: path, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let socket = OwnedDescriptor(owning: try systemCall("socket", path) { Glibc.socket(AF_UNIX, flags, 0) })
        let raw = socket.raw
        var info = stat()
        if lstat(path, &info) == 0 {
            guard info.st_mode & S_IFMT == S_IFSOCK else {
                throw SystemError(operation: "bind", subject: path, code: EEXIST)
            }
            _ = unlink(path)
        }
        // Nobody can connect before the mode is what it shall be.
        let mask = umask(0o777)
        defer { umask(mask) }
        try systemCall("bind", path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        var mode: mode_t = 0o666
        if audience == .administrators {
            // Without the group, or without the right to give it, only root may ask.
            let group = getgrnam("haclient").map { $0.pointee.gr_gid }
            mode = group.map { lchown(path, uid_t.max, $0) == 0 } == true ? 0o660 : 0o600
        }
        try systemCall("chmod", path) { chmod(path, mode) }
        try systemCall("listen", path) { listen(raw, backlog) }
        return socket
    }

    /// Listens on an address and port.
    ///
    /// - Throws: ``SystemError`` of socket(2), bind(2) or listen(2).
    public static func tcp(_ address: SocketAddress) throws(SystemError) -> OwnedDescriptor {
        let family = address.address.family.raw
        let socket = OwnedDescriptor(owning: try systemCall("socket") { Glibc.socket(family, flags, 0) })
        let raw = socket.raw
        var yes: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        // A restart must not wait for the last connections of the one before (TIME_WAIT).
        try systemCall("setsockopt") { setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &yes, size) }
        let subject = "\(address)"
        _ = try address.withSockaddr { (pointer, length) throws(SystemError) in
            try systemCall("bind", subject) { bind(raw, pointer, length) }
        }
        try systemCall("listen", subject) { listen(raw, backlog) }
        return socket
    }
}
