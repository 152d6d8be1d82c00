// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Answers one request line a connection on a Unix socket for root and the group haclient.
final class ControlServer {
    private let path: String
    private let server: RequestServer

    /// Listens; the caller holds the run file, so a socket that is there belongs to nobody.
    init(path: String, loop: EventLoop, answer: @escaping (String) -> String) throws(SystemError) {
        self.path = path
        try RuntimeDirectory.prepare(for: path)
        var limits = RequestServer.Limits()
        limits.requestLength = 256
        server = try RequestServer(
            try ListeningSocket.local(path, for: .administrators),
            on: loop,
            limits: limits,
            answer: RequestServer.lines(answer)
        )
    }

    /// Removes the socket.
    func close() {
        server.close()
        // A socket that stays refuses connections, which says the same.
        _ = unlink(path)
    }
}
