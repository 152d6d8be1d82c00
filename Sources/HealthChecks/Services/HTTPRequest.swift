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

    /// Whether the resource is asked for with TLS.
    public var isSecure: Bool

    /// Whether the server is a proxy: it is asked for the whole URL, or for a tunnel when the resource needs TLS.
    public var isProxied: Bool

    /// Path and query, with the leading slash.
    public var path: String

    /// The Host header; for a proxy the authority of the URL, with the port when it is not the scheme's own.
    public var host: String

    /// What the body must contain; nil when the status alone decides.
    public var receive: Pattern?

    /// What the body must not contain.
    public var receiveNot: Pattern?

    /// The SHA-256 digest of the whole body, hexadecimal in lower case; nil when any body will do.
    public var bodyDigest: String?

    /// The statuses that are good.
    public var statuses = [200...299]

    /// Whether HTTP/1.0 is spoken: the server does not send in chunks then.
    public var isOldVersion = false

    /// Further header fields, as `Name: value`; they take the place of fields of the same name that a check sends by itself,
    /// and are not sent to another host that a redirect leads to.
    public var headers: [String] = []

    /// Where redirects may lead to.
    public var redirection = Redirection.anywhere

    /// Which redirects are followed.
    public enum Redirection: Hashable, Sendable {
        case anywhere
        /// Those to the server that was asked: by its address, or by the name that it was asked for.
        case sameServer
        case nowhere
    }

    /// How many redirects were followed to get here.
    var redirects = 0

    /// Describes a request; control characters and blanks in its parts are percent-encoded when it is sent.
    public init(
        method: Method = .get,
        path: String,
        host: String,
        isSecure: Bool = false,
        isProxied: Bool = false,
        receive: Pattern?
    ) {
        self.method = method
        self.path = path
        self.host = host
        self.isSecure = isSecure
        self.isProxied = isProxied
        self.receive = receive
    }

    /// Whether a proxy must open a tunnel first.
    var needsTunnel: Bool { isProxied && isSecure }

    /// The request as sent; the server is asked to close the connection after its answer.
    func encoded() -> [UInt8] {
        let target = Self.escape(path.hasPrefix("/") ? path : "/" + path)
        // RFC 9112, 3.2.2: a proxy is given the absolute form.
        let form = isProxied && !isSecure ? "http://\(Self.escape(host))\(target)" : target
        var own = ["User-Agent: ldirectord", "Accept: */*", "Connection: close"]
        if !headers.isEmpty {
            let names = Set(headers.map(Self.fieldName))
            own = own.filter { !names.contains(Self.fieldName($0)) } + headers.map(Self.printableField)
        }
        let line = "\(method.rawValue) \(form) HTTP/\(isOldVersion ? "1.0" : "1.1")"
        let head = [line, "Host: \(Self.escape(host))"] + own
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private static func printableField(_ field: String) -> String {
        String(field.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 || $0 == "\t" })
    }

    private static func fieldName(_ field: String) -> String { field.prefix { $0 != ":" }.lowercased() }

    /// What asks a proxy for a tunnel to the resource's server (RFC 9110, 9.3.6).
    func encodedTunnelRequest() -> [UInt8] {
        let host = Self.escape(host)
        let hasPort = host.hasSuffix("]") ? false : host.split(separator: "]").last?.contains(":") == true
        let authority = hasPort ? host : host + ":443"
        return Array("CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: ldirectord\r\n\r\n".utf8)
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
