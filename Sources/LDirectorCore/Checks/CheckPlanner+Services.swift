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
    static func exchange(_ subject: Subject) throws(Unsupported) -> Exchange {
        let check = subject.check
        let content = subject.content
        let transport = subject.identity.transport == .udp ? Probe.Transport.udp : .tcp
        let startsTLS = check.tls.startsInside
        let tls = Probe.Security.tls(settings(subject))
        // With it only where the exchange comes to it.
        let inner = startsTLS ? Probe.Security.onRequest(settings(subject)) : .plain
        switch check.service {
        case .http, .https: return try web(subject)
        case .httpProxy: return try proxied(subject)
        case .smtp, .submission:
            let dialogue = LineDialogue.smtp(name: check.helloName ?? "localhost.localdomain", startsTLS: startsTLS)
            return Exchange(.lines(dialogue), security: inner)
        case .nntp: return Exchange(.lines(.nntp(startsTLS: startsTLS)), security: inner)
        case .imap:
            let dialogue = LineDialogue.imap(login: check.login, password: check.password, startsTLS: startsTLS)
            return Exchange(.lines(dialogue), security: inner)
        case .imaps: return Exchange(.lines(.imap(login: check.login, password: check.password)), security: tls)
        case .pop:
            let login = POPLogin(login: check.login, password: check.password, startsTLS: startsTLS)
            return Exchange(.pop(login), security: inner)
        case .pops: return Exchange(.pop(POPLogin(login: check.login, password: check.password)), security: tls)
        case .ftp:
            let retrieval = FTPRetrieval(
                login: check.login,
                password: check.password,
                path: content.bareRequest.isEmpty ? nil : content.request,
                receive: try pattern(content.receive),
                receiveNot: try pattern(check.receiveNot),
                startsTLS: startsTLS
            )
            return Exchange(.ftp(retrieval), security: inner)
        case .sip:
            // The answer comes back the way the request went (RFC 3581); a name that is nobody's cannot be mistaken.
            return Exchange(.sip(SIPOptions(login: check.login, host: "ldirectord.invalid")), over: transport)
        case .simpletcp:
            return Exchange(.text(try text(subject)), over: transport)
        case .udp:
            var exchange = try text(subject)
            exchange.acceptsSilence = exchange.receive == nil
            return Exchange(.text(exchange), over: .udp)
        case .oracle:
            throw Unsupported(
                description:
                    "service oracle needs Oracle's own client: use checktype=external with a command that runs it"
            )
        case .dns: return Exchange(.dns(try question(subject)), over: transport)
        case .ldap, .ldaps:
            let search = LDAPSearch(
                base: content.bareRequest,
                login: check.login,
                password: check.password,
                receive: try pattern(content.receive),
                receiveNot: try pattern(check.receiveNot),
                startsTLS: startsTLS && check.service == .ldap
            )
            return Exchange(.ldap(search), security: check.service == .ldaps ? tls : inner)
        case .radius: return Exchange(.radius(try access(check)), over: .udp)
        case .mysql:
            let login = MySQLLogin(
                login: check.login,
                password: check.password,
                database: check.database,
                query: content.bareRequest,
                startsTLS: startsTLS
            )
            return Exchange(.mysql(login), security: inner)
        case .pgsql:
            let login = PostgresLogin(
                login: check.login,
                password: check.password,
                database: check.database,
                query: content.bareRequest,
                startsTLS: startsTLS
            )
            return Exchange(.postgres(login), security: inner)
        case .none: return Exchange(.connect)
        }
    }

    /// How TLS is spoken: by default any certificate will do, as ever, for the question is whether the service works.
    private static func settings(_ subject: Subject, name: String? = nil) -> TLSSettings {
        let tls = subject.check.tls
        let given = tls.serverName ?? name ?? subject.check.virtualHost.map(hostOnly)
        let verification: TLSSettings.Verification =
            switch tls.verification {
            case .none: .none
            case .chain: .chain(authorities: tls.authorities)
            case .host: .full(authorities: tls.authorities)
            }
        return TLSSettings(
            // A certificate that is judged must carry some name: the address, when no name is known.
            serverName: given ?? (tls.verification == .host ? subject.real.address.description : nil),
            verification: verification,
            identity: tls.certificate.map { TLSSettings.Identity(certificate: $0, key: tls.key ?? $0) }
        )
    }

    /// A host without port and brackets.
    private static func hostOnly(_ authority: String) -> String {
        HTTPLocation("https://" + authority)?.host ?? authority
    }

    private static func text(_ subject: Subject) throws(Unsupported) -> TextExchange {
        TextExchange(
            request: subject.content.bareRequest,
            receive: try pattern(subject.content.receive),
            receiveNot: try pattern(subject.check.receiveNot)
        )
    }

    private static func question(_ subject: Subject) throws(Unsupported) -> DNSQuestion {
        let receive = try pattern(subject.content.receive)
        let receiveNot = try pattern(subject.check.receiveNot)
        let dns = subject.check.dns
        do {
            var question = try DNSQuestion(
                request: subject.content.bareRequest,
                type: dns.type.flatMap { DNSQuestion.RecordType(name: $0.rawValue) },
                receive: receive
            )
            question.receiveNot = receiveNot
            question.codes = Set(dns.codes.map(\.number))
            return question
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

    private static func pattern(_ text: String) throws(Unsupported) -> Pattern? {
        do {
            return text.isEmpty ? nil : try Pattern(text)
        } catch {
            throw Unsupported(description: "\"\(text)\" is not a regular expression: \(error)")
        }
    }

    // MARK: HTTP

    private static func web(_ subject: Subject) throws(Unsupported) -> Exchange {
        let check = subject.check
        let content = subject.content
        let isSecure = check.service == .https
        var request = try request(subject, path: content.request, host: subject.real.address.bracketed, isSecure)
        var target: SocketAddress?
        // Only a real server's own request may be a whole URL; another one's is a path, whatever it looks like.
        if subject.hasOwnContent, content.bareRequest.contains(isSecure ? "https://" : "http://") {
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
        return Exchange(.http(request), security: security(subject, isSecure: isSecure), to: target)
    }

    /// A plain request may be redirected to https, where the conditions hold as well.
    private static func security(_ subject: Subject, isSecure: Bool) -> Probe.Security {
        let settings = settings(subject)
        if isSecure {
            return .tls(settings)
        }
        return subject.check.tls == TLSConditions() ? .plain : .onRequest(settings)
    }

    private static func request(
        _ subject: Subject,
        path: String,
        host: String,
        _ isSecure: Bool
    ) throws(Unsupported) -> HTTPRequest {
        let check = subject.check
        var request = HTTPRequest(
            method: check.httpMethod == .head ? .head : .get,
            path: path,
            host: check.virtualHost ?? host,
            isSecure: isSecure,
            receive: try pattern(subject.content.receive)
        )
        request.receiveNot = try pattern(check.receiveNot)
        request.bodyDigest = check.http.bodyDigest
        request.statuses = check.http.statuses
        request.isOldVersion = check.http.version == .v10
        request.headers = check.http.headers
        request.redirection =
            switch check.http.redirection {
            case .anywhere: .anywhere
            case .sameServer: .sameServer
            case .nowhere: .nowhere
            }
        return request
    }

    private static func proxied(_ subject: Subject) throws(Unsupported) -> Exchange {
        let url = try parts(of: subject.content.bareRequest)
        var request = try request(subject, path: url.path, host: url.authority, url.isSecure)
        request.host = url.authority
        request.isProxied = true
        return Exchange(
            .http(request),
            security: url.isSecure ? .onRequest(settings(subject, name: url.host)) : security(subject, isSecure: false)
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
