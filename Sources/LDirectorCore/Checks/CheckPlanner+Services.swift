// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import LDirectorConfig
import LinuxKit

extension CheckPlanner {
    /// How a service is asked, and what carries it.
    struct Exchange {
        var method: Probe.Method
        var transport = Probe.Transport.tcp
        var security = Probe.Security.plain
        /// Another address and port than the real server's check port (an absolute URL).
        var target: SocketAddress?

        init(
            _ method: Probe.Method,
            over transport: Probe.Transport = .tcp,
            security: Probe.Security = .plain,
            to target: SocketAddress? = nil
        ) {
            self.method = method
            self.transport = transport
            self.security = security
            self.target = target
        }
    }

    /// The exchange of `checktype=negotiate`.
    ///
    /// - Throws: ``Unsupported``.
    static func exchange(with real: RealServer, in virtual: VirtualServer) throws(Unsupported) -> Exchange {
        let check = virtual.check
        let content = virtual.content(for: real)
        let transport = virtual.identity.transport == .udp ? Probe.Transport.udp : .tcp
        // Any certificate will do, as ever: the question is whether the service works.
        let tls = Probe.Security.tls(TLSSettings(serverName: check.virtualHost))
        switch check.service {
        case .http, .https: return try web(real, virtual)
        case .httpProxy: return try proxied(real, virtual)
        case .smtp, .submission: return Exchange(.lines(.smtp))
        case .nntp: return Exchange(.lines(.nntp))
        case .imap, .imaps:
            let dialogue = LineDialogue.imap(login: check.login, password: check.password)
            return Exchange(.lines(dialogue), security: check.service == .imaps ? tls : .plain)
        case .pop, .pops:
            let login = POPLogin(login: check.login, password: check.password)
            return Exchange(.pop(login), security: check.service == .pops ? tls : .plain)
        case .ftp:
            let retrieval = FTPRetrieval(
                login: check.login,
                password: check.password,
                path: content.bareRequest.isEmpty ? nil : content.request,
                receive: try pattern(content)
            )
            return Exchange(.ftp(retrieval))
        case .sip:
            // The answer comes back the way the request went (RFC 3581); a name that is nobody's cannot be mistaken.
            return Exchange(.sip(SIPOptions(login: check.login, host: "ldirectord.invalid")), over: transport)
        case .simpletcp:
            let exchange = TextExchange(request: content.bareRequest, receive: try pattern(content))
            return Exchange(.text(exchange), over: transport)
        case .oracle:
            throw Unsupported(
                description:
                    "service oracle needs Oracle's own client: use checktype=external with a command that runs it"
            )
        case .dns: return Exchange(.dns(try question(content)), over: transport)
        case .ldap, .ldaps:
            let search = LDAPSearch(
                base: content.bareRequest,
                login: check.login,
                password: check.password,
                receive: try pattern(content)
            )
            return Exchange(.ldap(search), security: check.service == .ldaps ? tls : .plain)
        case .radius: return Exchange(.radius(try access(check)), over: .udp)
        case .mysql:
            let login = MySQLLogin(
                login: check.login,
                password: check.password,
                database: check.database,
                query: content.bareRequest
            )
            return Exchange(.mysql(login))
        case .pgsql:
            let login = PostgresLogin(
                login: check.login,
                password: check.password,
                database: check.database,
                query: content.bareRequest
            )
            return Exchange(.postgres(login))
        case .none: return Exchange(.connect)
        }
    }

    private static func question(_ content: CheckContent) throws(Unsupported) -> DNSQuestion {
        let receive = try pattern(content)
        do {
            return try DNSQuestion(request: content.bareRequest, receive: receive)
        } catch {
            throw Unsupported(description: error.description)
        }
    }

    private static func access(_ check: CheckSettings) throws(Unsupported) -> RadiusLogin {
        do {
            return try RadiusLogin(login: check.login, password: check.password, secret: check.secret)
        } catch {
            throw Unsupported(description: error.description)
        }
    }

    private static func pattern(_ content: CheckContent) throws(Unsupported) -> Pattern? {
        do {
            return content.receive.isEmpty ? nil : try Pattern(content.receive)
        } catch {
            throw Unsupported(description: "receive \"\(content.receive)\" is not a regular expression: \(error)")
        }
    }

    private static func web(_ real: RealServer, _ virtual: VirtualServer) throws(Unsupported) -> Exchange {
        let check = virtual.check
        let content = virtual.content(for: real)
        let isSecure = check.service == .https
        var request = HTTPRequest(
            method: check.httpMethod == .head ? .head : .get,
            path: content.request,
            host: check.virtualHost ?? real.address.bracketed,
            isSecure: isSecure,
            receive: try pattern(content)
        )
        var target: SocketAddress?
        // Only a real server's own request may be a whole URL; another one's is a path, whatever it looks like.
        if real.content != nil, content.bareRequest.contains(isSecure ? "https://" : "http://") {
            let url = try parts(of: content.bareRequest)
            guard let address = IPAddress(url.host) else {
                throw Unsupported(
                    description:
                        "the URL \"\(content.bareRequest)\" must name its server by address; use virtualhost for the name"
                )
            }
            target = SocketAddress(address, port: url.port ?? (isSecure ? 443 : 80))
            request.path = url.path
            request.host = check.virtualHost ?? address.bracketed
        }
        let settings = TLSSettings(serverName: check.virtualHost)
        return Exchange(.http(request), security: isSecure ? .tls(settings) : .plain, to: target)
    }

    private static func proxied(_ real: RealServer, _ virtual: VirtualServer) throws(Unsupported) -> Exchange {
        let content = virtual.content(for: real)
        let url = try parts(of: content.bareRequest)
        let request = HTTPRequest(
            method: virtual.check.httpMethod == .head ? .head : .get,
            path: url.path,
            host: url.authority,
            isSecure: url.isSecure,
            isProxied: true,
            receive: try pattern(content)
        )
        return Exchange(
            .http(request),
            security: url.isSecure ? .onRequest(TLSSettings(serverName: url.host)) : .plain
        )
    }

    private static func parts(of url: String) throws(Unsupported) -> HTTPLocation {
        guard let parts = HTTPLocation(url) else {
            throw Unsupported(
                description: "\"\(url)\" is not a whole URL; write it as http://HOST/PATH or https://HOST/PATH"
            )
        }
        return parts
    }
}
