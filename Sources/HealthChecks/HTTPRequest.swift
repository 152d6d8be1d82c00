// SPDX-License-Identifier: Apache-2.0

/// One HTTP request of a check and what its answer must be.
public struct HTTPRequest: Hashable, Sendable {
    /// The request method.
    public enum Method: String, Hashable, Sendable {
        case get = "GET"
        case head = "HEAD"
    }

    /// GET, or HEAD for no body.
    public var method: Method

    /// Path and query, with the leading slash.
    public var path: String

    /// The Host header.
    public var host: String

    /// What the body must contain; nil when the status alone decides.
    public var receive: Pattern?

    /// How many redirects were followed to get here.
    var redirects = 0

    /// Describes a request; control characters and blanks in its parts are percent-encoded when it is sent.
    public init(method: Method = .get, path: String, host: String, receive: Pattern?) {
        self.method = method
        self.path = path
        self.host = host
        self.receive = receive
    }

    /// The request as sent; the server is asked to close the connection after its answer.
    func encoded() -> [UInt8] {
        let target = Self.escape(path.hasPrefix("/") ? path : "/" + path)
        let head = [
            "\(method.rawValue) \(target) HTTP/1.1",
            "Host: \(Self.escape(host))",
            "User-Agent: ldirectord",
            "Accept: */*",
            "Connection: close",
        ]
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Keeps a value from breaking out of its place in the request.
    private static func escape(_ text: String) -> String {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
            ? text
            : text.utf8.map { byte in
                byte > 0x20 && byte < 0x7f
                    ? String(UnicodeScalar(byte))
                    : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }.joined()
    }
}
