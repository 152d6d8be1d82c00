// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// The effective configuration as JSON, for programs; times are in seconds, passwords and secrets are not shown.
public struct ConfigurationDocument: Sendable {
    private let configuration: Configuration

    /// Prepares the document.
    public init(_ configuration: Configuration) { self.configuration = configuration }

    /// The document, schema 1.
    public var value: JSONValue {
        .object([
            ("schema", .number(1)),
            ("daemon", daemon(configuration.daemon)),
            ("virtual_servers", .array(configuration.virtualServers.map(virtual))),
        ])
    }

    private func daemon(_ daemon: DaemonSettings) -> JSONValue {
        let target: (String, JSONValue)
        switch daemon.logTarget {
        case .file(let path): target = ("file", .string(path))
        case .syslog(let facility): target = ("syslog", .string(facility))
        }
        return .object([
            ("log", .object([target])),
            ("autoreload", .boolean(daemon.reloadsAutomatically)),
            ("resolve", .string(daemon.resolvesPeriodically ? "periodic" : "once")),
            ("callback", .optional(daemon.callback)),
            ("supervised", .boolean(daemon.isSupervised)),
            ("maintenancedir", .optional(daemon.maintenanceDirectory)),
            ("execute", .array(daemon.childConfigurations.map(JSONValue.string))),
            ("metrics", .optional(daemon.metrics?.description)),
            ("mail", mail(daemon.mail)),
        ])
    }

    private func mail(_ mail: MailSettings) -> JSONValue {
        let phases = MailSettings.Phase.allCases.filter(mail.phases.contains).map(\.rawValue)
        return .object([
            ("to", .array(mail.recipients.map(JSONValue.string))),
            ("from", .optional(mail.sender)),
            ("smtp", .optional(mail.relay)),
            ("repeat", seconds(mail.reminderInterval)),
            ("status", .array(phases.map(JSONValue.string))),
        ])
    }

    private func virtual(_ virtual: VirtualServer) -> JSONValue {
        let life = virtual.lifeCycle
        return .object([
            ("service", .string(virtual.identity.description)),
            ("scheduler", .string(virtual.scheduler)),
            ("schedflags", .array(virtual.schedulerFlags.map(JSONValue.string))),
            ("persistent", virtual.persistence.map { seconds($0.timeout) } ?? .null),
            ("netmask", virtual.persistence.map { netmask($0.granularity) } ?? .null),
            ("ops", .boolean(virtual.schedulesEveryPacket)),
            ("quiescent", .boolean(virtual.isQuiescent)),
            ("readdquiescent", .boolean(virtual.readdsQuiescent)),
            ("cleanstop", .boolean(virtual.cleansOnStop)),
            ("risecount", .number(life.riseCount)),
            ("warmup", seconds(life.warmup)),
            ("depoolthreshold", .number(life.depoolThreshold)),
            ("drainlimit", seconds(life.drainLimit)),
            ("reconcile", .string(life.reconciliation.rawValue)),
            ("fallbackcommand", .optional(virtual.fallbackCommand)),
            ("fallbackcommandonstop", .boolean(life.tellsFallbackCommandOnStop)),
            ("monitorfile", .optional(virtual.monitorFile)),
            ("servicename", .optional(virtual.serviceName)),
            ("comment", .optional(virtual.comment)),
            ("mail", mail(virtual.mail)),
            ("check", check(virtual.check)),
            (
                "further_checks",
                .array(
                    virtual.furtherChecks.map { .object([("name", .string($0.name)), ("check", check($0.settings))]) }
                )
            ),
            ("fallback", virtual.fallback.map(fallback) ?? .null),
            ("real_servers", .array(virtual.realServers.map { real($0, virtual) })),
        ])
    }

    private func check(_ check: CheckSettings) -> JSONValue {
        .object([
            ("type", .string(check.type.word)),
            ("service", .string(check.service.rawValue)),
            ("request", .string(check.content.request)),
            ("receive", .string(check.content.receive)),
            ("httpmethod", .string(check.httpMethod.rawValue)),
            ("virtualhost", .optional(check.virtualHost)),
            ("login", .string(check.login)),
            ("has_passwd", .boolean(!check.password.isEmpty)),
            ("database", .string(check.database)),
            ("has_secret", .boolean(!check.secret.isEmpty)),
            ("command", .string(check.command)),
            ("checktimeout", seconds(check.connectTimeout)),
            ("negotiatetimeout", seconds(check.negotiateTimeout)),
            ("interval", seconds(check.interval)),
            ("count", .number(check.count)),
            ("failurecount", .number(check.failureCount)),
            ("idlecheck", .boolean(check.conduct.holdsConnection)),
            ("checksource", .optional(check.conduct.sourceAddress?.description)),
            ("checkinterface", .optional(check.conduct.interface)),
            ("dynamicweight", .number(check.conduct.largestWeight)),
            ("helo", .optional(check.helloName)),
            ("receivenot", .string(check.receiveNot)),
            ("http", http(check.http)),
            ("tls", tls(check.tls)),
            ("dnstype", .optional(check.dns.type?.rawValue)),
            ("dnsrcode", .array(check.dns.codes.map(\.rawValue).sorted().map(JSONValue.string))),
        ])
    }

    private func http(_ http: HTTPConditions) -> JSONValue {
        .object([
            ("status", .string(http.statusText)),
            ("version", .string(http.version.rawValue)),
            ("headers", .array(http.headers.map { .string(String($0.prefix { $0 != ":" })) })),
            ("followredirects", .string(http.redirection.rawValue)),
            ("bodydigest", .optional(http.bodyDigest)),
        ])
    }

    private func tls(_ tls: TLSConditions) -> JSONValue {
        .object([
            ("starttls", .boolean(tls.startsInside)),
            ("verify", .string(tls.verification.rawValue)),
            ("cafile", .optional(tls.authorities)),
            ("cert", .optional(tls.certificate)),
            ("key", .optional(tls.key)),
            ("name", .optional(tls.serverName)),
        ])
    }

    private func fallback(_ fallback: Fallback) -> JSONValue {
        .object([
            ("address", .string(fallback.address.description)),
            ("port", .number(Int(fallback.port))),
            ("forward", .string(fallback.forwarding.rawValue)),
        ])
    }

    private func real(_ real: RealServer, _ virtual: VirtualServer) -> JSONValue {
        let content = virtual.content(for: real)
        return .object([
            ("address", .string(real.address.description)),
            ("port", .number(Int(real.port))),
            ("configured_port", .number(Int(real.configuredPort))),
            ("check_port", .number(Int(real.checkPort))),
            ("forward", .string(real.forwarding.rawValue)),
            ("weight", .number(real.weight)),
            ("request", .string(content.request)),
            ("receive", .string(content.receive)),
            ("lower_threshold", .number(Int(real.lowerThreshold))),
            ("upper_threshold", .number(Int(real.upperThreshold))),
        ])
    }

    private func netmask(_ granularity: Persistence.Granularity) -> JSONValue {
        switch granularity {
        case .netmask(let mask): .string(mask.description)
        case .prefixLength(let length): .number(Int(length))
        }
    }

    private func seconds(_ duration: Duration) -> JSONValue { .decimal(duration) }
}
