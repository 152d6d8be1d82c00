// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

/// Answers one request line a connection on a local socket that only root can reach.
public final class ControlServer {
    private final class Connection {
        let socket: OwnedDescriptor
        var request: [UInt8] = []
        var answer: ArraySlice<UInt8> = []
        var timer: EventLoop.TimerID?

        init(_ socket: consuming OwnedDescriptor) { self.socket = socket }
    }

    private static let requestLimit = 1024
    private static let connectionLimit = 32
    private static let patience = Duration.seconds(2)

    private let loop: EventLoop
    private let path: String
    private let listener: OwnedDescriptor
    private let answer: (String) -> String
    private var connections: [CInt: Connection] = [:]

    /// Listens; a socket left by a dead predecessor is replaced.
    ///
    /// - Parameters:
    ///   - path: The socket, in a directory that is ours alone; the caller holds the instance's lock.
    ///   - loop: The loop that serves it.
    ///   - answer: Makes the answer to a request.
    /// - Throws: ``SystemError``.
    public init(
        _ path: String,
        on loop: EventLoop,
        answer: @escaping (String) -> String
    ) throws(SystemError) {
        self.loop = loop
        self.path = path
        self.answer = answer
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        listener = OwnedDescriptor(owning: try systemCall("socket") { socket(AF_UNIX, kind, 0) })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(operation: "bind", subject: path, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        _ = unlink(path)
        let oldMask = umask(0o177)
        defer { umask(oldMask) }
        let fd = listener.raw
        try systemCall("bind", path) {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        try systemCall("listen", path) { listen(fd, 16) }
        try loop.watch(fd, for: .readable) { [weak self] _ in self?.accept() }
    }

    /// Stops listening and removes the socket.
    public func close() {
        loop.unwatch(listener.raw)
        connections.keys.forEach(drop)
        // Nothing to be done when it is gone already.
        _ = unlink(path)
    }

    private func accept() {
        while true {
            let fd = Glibc.accept(listener.raw, nil, nil)
            guard fd >= 0 else {
                return
            }
            let socket = OwnedDescriptor(owning: fd)
            guard connections.count < Self.connectionLimit, fcntl(fd, F_SETFL, O_NONBLOCK) == 0,
                fcntl(fd, F_SETFD, FD_CLOEXEC) == 0
            else {
                continue
            }
            let connection = Connection(socket)
            connections[fd] = connection
            connection.timer = loop.after(Self.patience) { [weak self] in self?.drop(fd) }
            do {
                try loop.watch(fd, for: .readable) { [weak self] readiness in self?.serve(fd, readiness) }
            } catch {
                drop(fd)
            }
        }
    }

    private func serve(_ fd: CInt, _ readiness: EventLoop.Readiness) {
        guard let connection = connections[fd] else {
            return
        }
        if !connection.answer.isEmpty {
            return flush(fd, connection)
        }
        var chunk = [UInt8](repeating: 0, count: Self.requestLimit)
        let count = recv(fd, &chunk, chunk.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR {
            return
        }
        connection.request += chunk.prefix(max(0, count))
        if let end = connection.request.firstIndex(of: UInt8(ascii: "\n")) {
            connection.answer = Array(answer(String(decoding: connection.request[..<end], as: UTF8.self)).utf8)[...]
            flush(fd, connection)
        } else if count <= 0 || connection.request.count >= Self.requestLimit {
            drop(fd)
        }
    }

    private func flush(_ fd: CInt, _ connection: Connection) {
        while !connection.answer.isEmpty {
            let count = connection.answer.withUnsafeBytes { send(fd, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            if count < 0 {
                guard errno == EAGAIN else {
                    break
                }
                do {
                    return try loop.change(fd, to: .writable)
                } catch {
                    break
                }
            }
            connection.answer = connection.answer.dropFirst(count)
        }
        drop(fd)
    }

    private func drop(_ fd: CInt) {
        guard let connection = connections.removeValue(forKey: fd) else {
            return
        }
        if let timer = connection.timer {
            loop.cancel(timer)
        }
        loop.unwatch(fd)
    }
}
