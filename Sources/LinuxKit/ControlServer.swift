// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Answers one request line a connection on a local socket for root and the group haclient.
public final class ControlServer {
    private let path: String
    private let server: RequestServer

    /// Listens; a socket left by a dead predecessor is replaced.
    ///
    /// - Parameters:
    ///   - path: The socket; its directory is made if need be. The caller holds the lock that belongs to it.
    ///   - loop: The loop that serves it.
    ///   - answer: Makes the answer to a line, which it gets without its end.
    /// - Throws: ``SystemError``.
    public init(
        _ path: String,
        on loop: EventLoop,
        answer: @escaping (String) -> RequestServer.Answer
    ) throws(SystemError) {
        self.path = path
        try RuntimeDirectory.prepare(for: path)
        let listener = try ListeningSocket.local(path, for: .administrators)
        server = try RequestServer(listener, on: loop, answer: RequestServer.lines(answer))
    }

    /// Listens, as above; the answers are texts.
    public convenience init(
        _ path: String,
        on loop: EventLoop,
        answer: @escaping (String) -> String
    ) throws(SystemError) {
        try self.init(path, on: loop) { RequestServer.Answer(Array(answer($0).utf8)) }
    }

    /// Stops listening and removes the socket.
    public func close() {
        server.close()
        // A socket that stays refuses connections, which says the same.
        _ = unlink(path)
    }
}
