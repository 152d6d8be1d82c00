// SPDX-License-Identifier: Apache-2.0
import Glibc
public import LinuxKit

/// Answers one request line a connection on a local socket for root and the group haclient.
public final class ControlServer {
    private let path: String
    private let server: RequestServer

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
        answer: @escaping (String) -> RequestServer.Answer
    ) throws(SystemError) {
        self.path = path
        let listener = try ListeningSocket.local(path, for: .administrators)
        server = try RequestServer(listener, on: loop, answer: RequestServer.lines(answer))
    }

    /// Stops listening and removes the socket.
    public func close() {
        server.close()
        // Nothing to be done when it is gone already.
        _ = unlink(path)
    }
}
