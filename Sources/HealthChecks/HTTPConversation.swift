// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// One HTTP request and the judgement of its answer: up when the status is 2xx and the body matches.
struct HTTPConversation: Conversation {
    /// Redirects that are followed one after the other.
    static let redirectLimit = 7

    private let request: HTTPRequest
    private let server: SocketAddress
    private var parser: HTTPResponseParser

    init(_ request: HTTPRequest, server: SocketAddress) {
        self.request = request
        self.server = server
        parser = HTTPResponseParser(hasBody: request.method == .get)
    }

    func opening() -> [UInt8] { request.encoded() }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep {
        do {
            try parser.receive(bytes)
        } catch {
            return .finish(.down("server \(error.reason)"))
        }
        return parser.isComplete ? verdict() : .wait
    }

    mutating func end() -> ConversationStep {
        do {
            try parser.end()
        } catch {
            return .finish(.down("server \(error.reason)"))
        }
        return verdict()
    }

    private func verdict() -> ConversationStep {
        let status = parser.status ?? 0
        if [301, 302, 303, 307, 308].contains(status), let location = parser.field("location") {
            return redirect(to: location, status)
        }
        guard (200...299).contains(status) else {
            return .finish(.down("answered with HTTP status \(status)"))
        }
        guard let receive = request.receive else {
            return .finish(.up)
        }
        switch receive.search(parser.body) {
        case .found: return .finish(.up)
        case .absent where parser.isCut:
            return .finish(.down("the first \(parser.body.count) bytes of the answer do not match \"\(receive)\""))
        case .absent: return .finish(.down("the answer does not match \"\(receive)\""))
        case .tooComplex:
            return .finish(.down("\"\(receive)\" needs too many steps on this answer; write a simpler expression"))
        }
    }

    private func redirect(to location: String, _ status: Int) -> ConversationStep {
        guard request.redirects < Self.redirectLimit else {
            return .finish(.down("more than \(Self.redirectLimit) redirects"))
        }
        guard let target = RedirectTarget(location, from: request.path) else {
            return .finish(
                .down("HTTP status \(status) redirects to \"\(location.prefix(100))\", which is not supported")
            )
        }
        var next = request
        next.redirects += 1
        next.path = target.path
        guard let host = target.host else {
            return .follow(next, server)
        }
        next.host = target.authority ?? request.host
        if host == request.host || host == server.address.description {
            return .follow(next, SocketAddress(server.address, port: target.port ?? 80, scope: server.scope))
        }
        guard let address = IPAddress(host) else {
            return .finish(
                .down(
                    "HTTP status \(status) redirects to the host \"\(host.prefix(100))\", whose name is not looked up"
                )
            )
        }
        return .follow(next, SocketAddress(address, port: target.port ?? 80))
    }
}

/// The parts of a Location header field (RFC 3986) that a check can follow: http URLs and paths.
struct RedirectTarget: Equatable {
    /// Host without port and brackets; nil for the same server.
    var host: String?
    /// Host and port as written, for the Host header.
    var authority: String?
    var port: UInt16?
    var path: String

    init?(_ location: String, from base: String) {
        path = "/"
        let text = String(location.prefix { $0 != "#" })
        if text.lowercased().hasPrefix("http://") || text.hasPrefix("//") {
            let rest = text.dropFirst(text.hasPrefix("//") ? 2 : 7)
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            let tail = rest.dropFirst(authority.count)
            guard !authority.isEmpty, !authority.contains("@"), splitAuthority(authority) else {
                return nil
            }
            self.authority = String(authority)
            path = tail.hasPrefix("/") ? String(tail) : "/" + tail
        } else if text.hasPrefix("/") {
            path = text
        } else if text.isEmpty || text.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") {
            // Another scheme, https among them.
            return nil
        } else {
            let folder = base.prefix { $0 != "?" }
            path = String(folder[...(folder.lastIndex(of: "/") ?? folder.startIndex)]) + text
        }
    }

    private mutating func splitAuthority(_ authority: Substring) -> Bool {
        var portText: Substring = ""
        if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
            host = String(authority[authority.index(after: authority.startIndex)..<close])
            let tail = authority[authority.index(after: close)...]
            guard tail.isEmpty || tail.hasPrefix(":") else {
                return false
            }
            portText = tail.dropFirst()
        } else {
            let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = String(parts[0])
            portText = parts.count > 1 ? parts[1] : ""
        }
        guard !portText.isEmpty else {
            return host?.isEmpty == false
        }
        port = UInt16(portText)
        return port != nil && host?.isEmpty == false
    }
}
