// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Asks a daemon of ours over its control socket: one request line a connection, the answer until the end of the stream.
public struct ControlClient: Sendable {
    /// Why there is no answer.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// Nothing listens: the socket does not exist, or its daemon has ended.
        case notRunning(path: String)

        /// Something listens, but did not answer in time.
        case noAnswer(path: String, after: Duration)

        /// A system call failed.
        case system(SystemError)

        /// One line: what is wrong with which socket.
        public var description: String {
            switch self {
            case .notRunning(let path): "nothing listens on \(path)"
            case .noAnswer(let path, let time): "no answer on \(path) within \(time)"
            case .system(let error): error.description
            }
        }
    }

    /// The socket's path.
    public let path: String

    /// Longest answer that is taken, in bytes.
    private static let answerLimit = 16 << 20

    /// Prepares for a daemon; nothing is connected yet.
    public init(path: String) {
        self.path = path
    }

    /// Sends a request and returns the whole answer.
    ///
    /// - Parameters:
    ///   - request: One line, without its line feed.
    ///   - timeout: Time for everything together.
    /// - Returns: The answer, as it came.
    /// - Throws: ``Failure``.
    public func ask(_ request: String, timeout: Duration = .seconds(2)) throws(Failure) -> String {
        let deadline = Deadline(after: timeout)
        do {
            return try converse(request, deadline)
        } catch {
            switch error.code {
            case ENOENT, ECONNREFUSED: throw .notRunning(path: path)
            case ETIMEDOUT, EAGAIN: throw .noAnswer(path: path, after: timeout)
            default: throw .system(error)
            }
        }
    }

    private func converse(_ request: String, _ deadline: Deadline) throws(SystemError) -> String {
        let kind = CInt(SOCK_STREAM.rawValue) | vervetSocketFlags
        let socket = OwnedDescriptor(owning: try systemCall("socket") { Glibc.socket(AF_UNIX, kind, 0) })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else {
            throw SystemError(operation: "connect", subject: path, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        try systemCall("connect", path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        var unsent = Array((request + "\n").utf8)[...]
        while !unsent.isEmpty {
            try awaitReady(socket.raw, POLLOUT, deadline)
            let count = try systemCall("send", path) {
                unsent.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            }
            unsent = unsent.dropFirst(count)
        }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            try awaitReady(socket.raw, POLLIN, deadline)
            let count = try systemCall("recv", path) { recv(socket.raw, &chunk, chunk.count, 0) }
            if count == 0 {
                return String(decoding: answer, as: UTF8.self)
            }
            answer.append(contentsOf: chunk.prefix(count))
            guard answer.count <= Self.answerLimit else {
                throw SystemError(operation: "recv", subject: path, code: EMSGSIZE)
            }
        }
    }

    private func awaitReady(_ descriptor: CInt, _ events: CInt, _ deadline: Deadline) throws(SystemError) {
        var poller = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let ready = try systemCall("poll", path) { poll(&poller, 1, deadline.pollMilliseconds) }
        if ready == 0 {
            throw SystemError(operation: "poll", subject: path, code: ETIMEDOUT)
        }
    }
}

/// Flags of every socket here: close-on-exec and non-blocking.
private let vervetSocketFlags = CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
