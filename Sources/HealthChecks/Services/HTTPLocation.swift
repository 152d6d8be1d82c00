// SPDX-License-Identifier: Apache-2.0

/// The parts of a whole URL that a check can follow: http and https (RFC 3986).
public struct HTTPLocation: Hashable, Sendable {
    /// Whether the scheme is https.
    public let isSecure: Bool

    /// Host without port and brackets.
    public let host: String

    /// The port, when one is written.
    public let port: UInt16?

    /// Path and query, with the leading slash.
    public let path: String

    /// Host and port as written, for the Host header.
    public let authority: String

    /// Parses a URL; nil for another scheme, for credentials in it, and for what is no URL.
    public init?(_ text: String) {
        guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            return nil
        }
        self.init(afterScheme: text.dropFirst(scheme.count).prefix { $0 != "#" }, isSecure: scheme == "https://")
    }

    /// Parses what follows the scheme.
    init?(afterScheme rest: Substring, isSecure: Bool) {
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let tail = rest.dropFirst(authority.count)
        guard !authority.isEmpty, !authority.contains("@") else {
            return nil
        }
        var portText: Substring = ""
        if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
            host = String(authority[authority.index(after: authority.startIndex)..<close])
            let end = authority[authority.index(after: close)...]
            guard end.isEmpty || end.hasPrefix(":") else {
                return nil
            }
            portText = end.dropFirst()
        } else {
            let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = String(parts[0])
            portText = parts.count > 1 ? parts[1] : ""
        }
        port = UInt16(portText)
        guard !host.isEmpty, portText.isEmpty || port != nil else {
            return nil
        }
        self.isSecure = isSecure
        self.authority = String(authority)
        path = tail.hasPrefix("/") ? String(tail) : "/" + tail
    }
}

/// Where a Location header field leads: to a whole URL, or to another path of the same server.
struct RedirectTarget: Equatable {
    /// The other server; nil for the same one.
    var location: HTTPLocation?

    /// Path and query, with the leading slash.
    var path: String

    /// Reads the field (RFC 9110, 10.2.2); nil for another scheme.
    ///
    /// - Parameters:
    ///   - field: The field's value.
    ///   - base: The path that was asked for.
    ///   - isSecure: Whether it was asked for with TLS; `//host/path` keeps that.
    init?(_ field: String, from base: String, isSecure: Bool) {
        let text = field.prefix { $0 != "#" }
        let scheme = text.prefix { $0 != "/" && $0 != "?" && $0 != ":" }
        if text.hasPrefix("//") || text.dropFirst(scheme.count).hasPrefix("://") {
            let location =
                text.hasPrefix("//")
                ? HTTPLocation(afterScheme: text.dropFirst(2), isSecure: isSecure) : HTTPLocation(String(text))
            guard let location else {
                return nil
            }
            self.location = location
            path = location.path
        } else if text.hasPrefix("/") {
            path = String(text)
        } else if text.isEmpty || text.dropFirst(scheme.count).hasPrefix(":") {
            return nil
        } else {
            let folder = base.prefix { $0 != "?" }
            path = String(folder[...(folder.lastIndex(of: "/") ?? folder.startIndex)]) + text
        }
    }
}
