// SPDX-License-Identifier: Apache-2.0

/// Puts the values of one check together and judges what they mean for each other.
struct CheckBuilder {
    let values: DirectiveValues
    let directorName: String
    let findings: Findings

    /// The settings; `times` has what is not written, `place` is what a finding about the whole check points at.
    func settings(over times: CheckSettings, port: UInt16, at place: Token) -> CheckSettings {
        var check = times
        check.type = values.checkType(.checktype) ?? .negotiate
        check.service = values.text(.service).flatMap(CheckService.init(rawValue:)) ?? CheckService(impliedBy: port)
        check.content = CheckContent(
            request: values.text(.request) ?? "/",
            receive: values.text(.receive) ?? ""
        )
        check.receiveNot = values.text(.receivenot) ?? ""
        check.httpMethod = values.text(.httpmethod).flatMap(HTTPMethod.init(rawValue:)) ?? .get
        check.virtualHost = values.text(.virtualhost)
        check.login = values.text(.login) ?? ""
        check.password = values.text(.passwd) ?? ""
        check.database = values.text(.database) ?? ""
        check.secret = values.text(.secret) ?? ""
        check.port = values.count(.checkport).flatMap(UInt16.init(exactly:))
        check.command = values.text(.checkcommand) ?? check.command
        applyConditions(to: &check)
        applyLoginDefaults(to: &check)
        if check.service == .udp, let service = values[.service]?.token {
            findings.relaxed(service, "service udp")
        }
        judge(check, at: place)
        return check
    }

    /// A further check; nil after an error.
    func furtherCheck(_ name: String, over times: CheckSettings, port: UInt16, at place: Token) -> FurtherCheck? {
        var times = times
        let own = (values.duration(.checktimeout), values.duration(.negotiatetimeout))
        times.connectTimeout = own.0 ?? own.1 ?? times.connectTimeout
        times.negotiateTimeout = own.1 ?? own.0 ?? times.negotiateTimeout
        times.count = values.count(.checkcount) ?? times.count
        let check = settings(over: times, port: port, at: place)
        switch check.type {
        case .on, .off, .combined:
            let type = values[.checktype]?.token ?? place
            findings.error(.badWord, type, "a further check cannot be of the type '\(check.type.word)'")
            return nil
        case .negotiate where check.service == .none:
            findings.error(.noEffect, place, "the check \(place.quoted) needs a service")
            return nil
        default:
            return FurtherCheck(name: name, settings: check)
        }
    }

    private func applyConditions(to check: inout CheckSettings) {
        check.http.statuses = values.statuses(.httpstatus) ?? check.http.statuses
        check.http.version = values.text(.httpversion).flatMap(HTTPVersion.init(rawValue:)) ?? .v11
        check.http.headers = values.list(.httpheader) ?? []
        check.http.redirection = values.text(.followredirects).flatMap(HTTPRedirection.init(rawValue:)) ?? .anywhere
        check.http.bodyDigest = values.text(.bodydigest)
        check.helloName = values.text(.helo)
        check.tls.startsInside = values.flag(.starttls) ?? false
        check.tls.verification = values.text(.tlsverify).flatMap(TLSVerification.init(rawValue:)) ?? .none
        check.tls.authorities = values.text(.tlscafile)
        check.tls.certificate = values.text(.tlscert)
        check.tls.key = values.text(.tlskey)
        check.tls.serverName = values.text(.tlsname)
        check.dns.type = values.text(.dnstype).flatMap(DNSRecordType.init(rawValue:))
        if let codes = values.list(.dnsrcode) {
            check.dns.codes = Set(codes.compactMap(DNSResponseCode.init(rawValue:)))
        }
    }

    /// ftp and sip want a name to present themselves with, whether the service was written or implied by the port.
    private func applyLoginDefaults(to check: inout CheckSettings) {
        let own = "ldirectord@\(directorName)"
        switch check.service {
        case .ftp:
            check.login = check.login.isEmpty ? "anonymous" : check.login
            check.password = check.password.isEmpty ? own : check.password
        case .sip:
            check.login = check.login.isEmpty ? own : check.login
        default:
            break
        }
    }

    // MARK: what does not fit together

    private func judge(_ check: CheckSettings, at place: Token) {
        guard check.type.negotiates else {
            return warnAboutIdle(check, nil)
        }
        let service = check.service
        if service.isWeb, check.httpMethod == .head {
            for name in [DirectiveName.receive, .receivenot, .bodydigest] {
                warn(name, "with httpmethod HEAD there is no text that could match")
            }
        }
        switch service {
        case .mysql, .pgsql, .oracle:
            if check.login.isEmpty || check.content.bareRequest.isEmpty {
                let service = service.rawValue
                findings.warning(
                    .noEffect,
                    values[.service]?.token ?? place,
                    "a \(service) check without login and request never succeeds"
                )
            }
        default: break
        }
        warnAboutIdle(check, service)
    }

    /// Tells of conditions that the check has no use for: somebody relies on them.
    private func warnAboutIdle(_ check: CheckSettings, _ service: CheckService?) {
        let name = service.map { "a check with service \($0.rawValue)" } ?? "a check of type \(check.type.word)"
        if service?.isWeb != true {
            for condition in [DirectiveName.bodydigest, .httpstatus, .httpversion, .httpheader, .followredirects] {
                warn(condition, "'\(condition.rawValue)' has no effect on \(name)")
            }
        }
        if service?.readsAnswer != true {
            warn(.receivenot, "'receivenot' has no effect on \(name)")
        }
        if service != .dns {
            for condition in [DirectiveName.dnstype, .dnsrcode] {
                warn(condition, "'\(condition.rawValue)' has no effect on \(name)")
            }
        }
        if service != .smtp, service != .submission {
            warn(.helo, "'helo' has no effect on \(name)")
        }
        if service?.canStartTLS != true {
            warn(.starttls, "'starttls' has no effect on \(name)")
        }
        // A redirect or a proxy may lead to https.
        let speaksTLS = service?.isSecure == true || service?.isWeb == true || check.tls.startsInside
        if !speaksTLS {
            for condition in [DirectiveName.tlsverify, .tlscafile, .tlscert, .tlskey, .tlsname] {
                warn(condition, "'\(condition.rawValue)' has no effect on \(name) without TLS")
            }
        }
        if check.tls.verification == .none {
            warn(.tlscafile, "'tlscafile' has no effect without 'tlsverify'")
        }
        if check.tls.certificate == nil {
            warn(.tlskey, "'tlskey' has no effect without 'tlscert'")
        }
    }

    private func warn(_ name: DirectiveName, _ message: String) {
        if let place = values[name] {
            findings.warning(.noEffect, place.name, message)
        }
    }
}

extension CheckType {
    /// Whether the service is talked with.
    var negotiates: Bool {
        switch self {
        case .negotiate, .combined: true
        default: false
        }
    }
}

extension CheckService {
    /// Whether HTTP is spoken.
    var isWeb: Bool { self == .http || self == .https || self == .httpProxy }

    /// Whether `receive` and `receivenot` are looked for in what the server says.
    var readsAnswer: Bool { isWeb || [.ftp, .simpletcp, .udp, .dns, .ldap, .ldaps].contains(self) }

    /// Whether TLS comes first.
    var isSecure: Bool { [.https, .imaps, .pops, .ldaps].contains(self) }

    /// Whether the protocol has a command that begins TLS.
    var canStartTLS: Bool { [.smtp, .submission, .pop, .imap, .nntp, .ldap, .ftp, .mysql, .pgsql].contains(self) }
}
