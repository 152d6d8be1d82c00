// SPDX-License-Identifier: Apache-2.0
import Glibc
import LDirectorConfig
import LinuxKit

/// Answers `GET /metrics` by HTTP on a local socket or an address; bounded in what a client can take.
final class MetricsServer {
    private let endpoint: MetricsEndpoint
    private let server: RequestServer

    /// Listens.
    ///
    /// - Parameters:
    ///   - endpoint: Where; everybody may connect, the figures are no secret.
    ///   - loop: The loop that serves it.
    ///   - figures: Makes the text.
    /// - Throws: ``SystemError``.
    init(_ endpoint: MetricsEndpoint, on loop: EventLoop, figures: @escaping () -> String) throws(SystemError) {
        self.endpoint = endpoint
        let listener: OwnedDescriptor
        switch endpoint {
        case .address(let address): listener = try ListeningSocket.tcp(address)
        case .localSocket(let path):
            try RuntimeDirectory.prepare(for: path)
            listener = try ListeningSocket.local(path, for: .everybody)
        }
        var limits = RequestServer.Limits()
        limits.requestLength = 8192
        // With ten thousand servers an answer has more than ten megabytes, and nobody but Prometheus asks.
        limits.connections = 4
        server = try RequestServer(listener, on: loop, limits: limits) { Self.answer($0, figures) }
    }

    deinit {
        server.close()
        if case .localSocket(let path) = endpoint {
            // A socket that stays refuses connections, which says the same.
            _ = unlink(path)
        }
    }

    /// The answer to a request whose header is complete; nil before that.
    static func answer(_ request: [UInt8], _ figures: () -> String) -> [UInt8]? {
        let lines = request.split(separator: 0x0a, omittingEmptySubsequences: false)
        // The empty line that ends a header; what follows the last line feed is no line yet.
        guard lines.dropLast().contains(where: { $0.isEmpty || $0.elementsEqual([0x0d]) }) else {
            return nil
        }
        let text = String(decoding: lines[0], as: UTF8.self)
        let words = text.prefix { !$0.isNewline }.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else {
            return response("400 Bad Request", "not HTTP\n")
        }
        guard words[0] == "GET" || words[0] == "HEAD" else {
            return response("405 Method Not Allowed", "only GET and HEAD\n")
        }
        let path = words[1].prefix { $0 != "?" }
        guard path == "/metrics" else {
            return response("404 Not Found", "the figures are at /metrics\n", isHead: words[0] == "HEAD")
        }
        return response("200 OK", figures(), isHead: words[0] == "HEAD")
    }

    private static func response(_ status: String, _ body: String, isHead: Bool = false) -> [UInt8] {
        let bytes = Array(body.utf8)
        let type = status.hasPrefix("200") ? "text/plain; version=0.0.4; charset=utf-8" : "text/plain"
        let header =
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(bytes.count)\r\nConnection: close\r\n\r\n"
        return Array(header.utf8) + (isHead ? [] : bytes)
    }
}
