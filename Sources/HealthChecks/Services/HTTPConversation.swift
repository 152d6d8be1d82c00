// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// One HTTP request and the judgement of its answer: up when status and body are as they should be.
struct HTTPConversation: Conversation {
    /// Redirects that are followed one after the other.
    static let redirectLimit = 7

    private let request: HTTPRequest
    private let server: SocketAddress
    private let tls: TLSSettings
    private var parser: HTTPResponseParser
    private var isTunnelling: Bool

    /// - Parameters:
    ///   - request: What is asked for.
    ///   - server: Where the request goes to: the server, or the proxy.
    ///   - tls: How TLS is spoken where a redirect asks for it.
    init(_ request: HTTPRequest, server: SocketAddress, tls: TLSSettings) {
        self.request = request
        self.server = server
        self.tls = tls
        isTunnelling = request.needsTunnel
        parser = HTTPResponseParser(hasBody: request.method == .get)
        if isTunnelling {
            parser = HTTPResponseParser(hasBody: false)
        }
    }

    func opening() -> [UInt8] { isTunnelling ? request.encodedTunnelRequest() : request.encoded() }

    mutating func secured() -> ConversationStep { .send(request.encoded()) }

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

    private mutating func beginTLS(_ status: Int) -> ConversationStep {
        guard (200...299).contains(status) else {
            return .finish(.down("proxy answered with HTTP status \(status) to CONNECT"))
        }
        isTunnelling = false
        parser = HTTPResponseParser(hasBody: request.method == .get)
        return .startTLS
    }

    private mutating func verdict() -> ConversationStep {
        let status = parser.status ?? 0
        if isTunnelling {
            return beginTLS(status)
        }
        guard request.statuses.contains(where: { $0.contains(status) }) else {
            if [301, 302, 303, 307, 308].contains(status), let location = parser.field("location") {
                return redirect(to: location, status)
            }
            return .finish(.down("answered with HTTP status \(status)"))
        }
        let outcome = Pattern.outcome(
            of: parser.body,
            parser.isCut ? "the answer, of which the first \(parser.body.count) bytes were read," : "the answer",
            with: request.receive,
            without: request.receiveNot
        )
        guard outcome == .up, let wanted = request.bodyDigest else {
            return .finish(outcome)
        }
        return .finish(compare(wanted))
    }

    private func compare(_ wanted: String) -> CheckOutcome {
        guard !parser.isCut else {
            return .down("the answer is longer than \(parser.body.count) bytes: too long for a digest")
        }
        guard let digest = MessageDigest.sha256.digest(parser.body).map(hexadecimal) else {
            return .down("this system does not allow SHA-256")
        }
        return digest == wanted ? .up : .down("the answer's digest is \(digest), not \(wanted.prefix(12))...")
    }

    private func redirect(to location: String, _ status: Int) -> ConversationStep {
        guard request.redirection != .nowhere else {
            return .finish(
                .down(
                    "answered with HTTP status \(status), a redirect to \(quoted(location.utf8)), which is not followed"
                )
            )
        }
        guard request.redirects < Self.redirectLimit else {
            return .finish(.down("more than \(Self.redirectLimit) redirects"))
        }
        guard let target = RedirectTarget(location, from: request.path, isSecure: request.isSecure) else {
            return .finish(
                .down("HTTP status \(status) redirects to \(quoted(location.utf8)), which is not supported")
            )
        }
        var next = request
        next.redirects += 1
        next.path = target.path
        guard let other = target.location else {
            return .follow(next, server, next.isSecure && !next.isProxied ? tls : nil)
        }
        next.isSecure = other.isSecure
        next.host = other.authority
        guard !request.isProxied else {
            guard next.host == request.host || request.redirection == .anywhere else {
                return .finish(.down("HTTP status \(status) redirects to another host, \(quoted(other.host.utf8))"))
            }
            next.headers = next.host == request.host ? next.headers : []
            return .follow(next, server, nil)
        }
        let port = other.port ?? (other.isSecure ? 443 : 80)
        if other.host == hostOnly(request.host) || other.host == server.address.description {
            return follow(next, SocketAddress(server.address, port: port, scope: server.scope))
        }
        guard request.redirection == .anywhere else {
            return .finish(.down("HTTP status \(status) redirects to another host, \(quoted(other.host.utf8))"))
        }
        // What may be a key is not for others.
        next.headers = []
        guard let address = IPAddress(other.host) else {
            return .finish(
                .down(
                    "HTTP status \(status) redirects to the host \(quoted(other.host.utf8)), whose name is not looked up"
                )
            )
        }
        return follow(next, SocketAddress(address, port: port))
    }

    private func follow(_ next: HTTPRequest, _ address: SocketAddress) -> ConversationStep {
        guard next.isSecure, !next.isProxied else {
            return .follow(next, address, nil)
        }
        var settings = tls
        settings.serverName = hostOnly(next.host)
        return .follow(next, address, settings)
    }

    /// A host without port and brackets.
    private func hostOnly(_ authority: String) -> String {
        if authority.hasPrefix("[") {
            return String(authority.dropFirst().prefix { $0 != "]" })
        }
        return String(authority.prefix { $0 != ":" })
    }
}
