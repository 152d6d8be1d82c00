// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Answers `GET /metrics` by HTTP on a local socket or an address; bounded in what a client can take.
public final class MetricsServer {
    private let endpoint: MetricsEndpoint
    private let server: RequestServer

    /// Listens.
    ///
    /// - Parameters:
    ///   - endpoint: Where; everybody may connect, the figures are no secret.
    ///   - loop: The loop that serves it.
    ///   - figures: Begins a text; what it returns makes the parts.
    /// - Throws: ``SystemError``.
    public init(
        _ endpoint: MetricsEndpoint,
        on loop: EventLoop,
        figures: @escaping () -> () -> String?
    ) throws(SystemError) {
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
        limits.patience = .seconds(20)
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
    static func answer(_ request: [UInt8], _ figures: () -> () -> String?) -> RequestServer.Answer? {
        let lines = request.split(separator: 0x0a, omittingEmptySubsequences: false)
        // The empty line that ends a header; what follows the last line feed is no line yet.
        guard lines.dropLast().contains(where: { $0.isEmpty || $0.elementsEqual([0x0d]) }) else {
            return nil
        }
        let text = String(decoding: lines[0], as: UTF8.self)
        let words = text.prefix { !$0.isNewline }.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else {
            return refusal("400 Bad Request", "not HTTP\n")
        }
        guard words[0] == "GET" || words[0] == "HEAD" else {
            return refusal("405 Method Not Allowed", "only GET and HEAD\n")
        }
        let path = words[1].prefix { $0 != "?" }
        guard path == "/metrics" else {
            return refusal("404 Not Found", "the figures are at /metrics\n", isHead: words[0] == "HEAD")
        }
        // RFC 9112: chunks for those who know them, so that an answer which was cut shows; an older client reads to the end.
        let isChunked = words[2] != "HTTP/1.0"
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            + (isChunked ? "Transfer-Encoding: chunked\r\n" : "") + "Connection: close\r\n\r\n"
        guard words[0] == "GET" else {
            return RequestServer.Answer(Array(head.utf8))
        }
        let part = figures()
        return RequestServer.Answer(
            Array(head.utf8),
            rest: isChunked ? chunks(part) : { part().map { Array($0.utf8) } }
        )
    }

    private static func chunks(_ part: @escaping () -> String?) -> () -> [UInt8]? {
        var isOver = false
        return {
            guard !isOver else {
                return nil
            }
            guard let text = part() else {
                isOver = true
                return Array("0\r\n\r\n".utf8)
            }
            // A chunk without bytes would be the last one.
            return text.isEmpty ? [] : Array("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n".utf8)
        }
    }

    private static func refusal(_ status: String, _ body: String, isHead: Bool = false) -> RequestServer.Answer {
        let header =
            "HTTP/1.1 \(status)\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n"
            + "Connection: close\r\n\r\n"
        return RequestServer.Answer(Array((isHead ? header : header + body).utf8))
    }
}
