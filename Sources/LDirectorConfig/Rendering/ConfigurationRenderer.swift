// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Renders a configuration as canonical `ldirectord.cf` text with every inherited and looked-up value written out.
///
/// Parsing the text gives an equal configuration for every configuration that came from ``ConfigurationParser``.
public struct ConfigurationRenderer: Sendable {
    /// Write `***` in place of passwords and shared secrets; the text then no longer parses to an equal value.
    public var hidesSecrets: Bool

    /// Makes a renderer.
    public init(hidesSecrets: Bool = false) {
        self.hidesSecrets = hidesSecrets
    }

    /// The whole file.
    public func render(_ configuration: Configuration) -> String {
        var writer = DirectiveWriter()
        // Legal in a block too, but the Perl program knows it only as a global line.
        let readds = configuration.virtualServers.map(\.readdsQuiescent)
        let allReadd = !readds.isEmpty && readds.allSatisfy { $0 }
        write(configuration.daemon, to: &writer)
        if allReadd {
            writer.flag(.readdquiescent, true)
        }
        for server in configuration.virtualServers {
            write(server, configuration.daemon, readdsGlobally: allReadd, to: &writer)
        }
        return writer.text
    }

    private func write(_ daemon: DaemonSettings, to writer: inout DirectiveWriter) {
        switch daemon.logTarget {
        case .file(let path): writer.quoted(.logfile, path)
        case .syslog(let facility): writer.quoted(.logfile, facility)
        }
        writer.flag(.autoreload, daemon.reloadsAutomatically)
        writer.plain(.resolve, daemon.resolvesPeriodically ? "periodic" : nil)
        writer.quoted(.callback, daemon.callback)
        writer.flag(.supervised, daemon.isSupervised)
        writer.flag(.fork, daemon.forks)
        writer.plain(.maintenancedir, daemon.maintenanceDirectory)
        for child in daemon.childConfigurations {
            writer.plain(.execute, child)
        }
        writer.plain(.fallbackcommand, daemon.fallbackCommand)
        write(daemon.mail, over: MailSettings(), to: &writer)
        writer.plain(.metrics, daemon.metrics?.description)
    }

    private func write(_ mail: MailSettings, over outer: MailSettings, to writer: inout DirectiveWriter) {
        if mail.recipients != outer.recipients {
            writer.quoted(.emailalert, mail.recipients.joined(separator: ", "))
        }
        if mail.reminderInterval != outer.reminderInterval {
            writer.seconds(.emailalertfreq, mail.reminderInterval)
        }
        if mail.phases != outer.phases {
            let phases = MailSettings.Phase.allCases.filter(mail.phases.contains).map(\.rawValue)
            let isAll = phases.count == MailSettings.Phase.allCases.count
            writer.plain(
                .emailalertstatus,
                phases.isEmpty ? "none" : isAll ? "all" : phases.joined(separator: ", ")
            )
        }
        if mail.sender != outer.sender {
            writer.plain(.emailalertfrom, mail.sender)
        }
        if mail.relay != outer.relay {
            writer.plain(.smtp, mail.relay)
        }
    }

    private func write(
        _ server: VirtualServer,
        _ daemon: DaemonSettings,
        readdsGlobally: Bool,
        to writer: inout DirectiveWriter
    ) {
        let family = server.identity.family
        switch server.identity {
        case .address(let transport, let endpoint):
            writer.open(family == .ipv4 ? .virtual : .virtual6, endpoint.description)
            writer.plain(.protocol, transport.rawValue)
        case .firewallMark(let mark, _):
            writer.open(family == .ipv4 ? .virtual : .virtual6, String(mark))
            writer.plain(.protocol, "fwm")
        }
        writer.plain(.scheduler, server.scheduler)
        if !server.schedulerFlags.isEmpty {
            writer.plain(.schedflags, server.schedulerFlags.joined(separator: ","))
        }
        if let persistence = server.persistence {
            writer.seconds(.persistent, persistence.timeout)
            if persistence.granularity != .host(family) {
                writer.plain(.netmask, Self.netmask(persistence.granularity))
            }
        }
        if server.schedulesEveryPacket {
            writer.flag(.ops, true)
        }
        write(server.check, to: &writer)
        writer.flag(.quiescent, server.isQuiescent)
        if !readdsGlobally, server.readdsQuiescent {
            writer.flag(.readdquiescent, true)
        }
        writer.flag(.cleanstop, server.cleansOnStop)
        if server.fallbackCommand != daemon.fallbackCommand {
            writer.quoted(.fallbackcommand, server.fallbackCommand)
        }
        write(server.lifeCycle, to: &writer)
        writer.quoted(.monitorfile, server.monitorFile)
        write(server.mail, over: daemon.mail, to: &writer)
        writer.plain(.servicename, server.serviceName)
        writer.plain(.comment, server.comment)
        if let fallback = server.fallback {
            let place = SocketAddress(fallback.address, port: fallback.configuredPort)
            writer.plain(family == .ipv4 ? .fallback : .fallback6, "\(place) \(fallback.forwarding.rawValue)")
        }
        for real in server.realServers {
            writer.plain(family == .ipv4 ? .real : .real6, Self.real(real))
        }
        // Last, because what follows belongs to them.
        for further in server.furtherChecks {
            writer.quoted(.check, further.name)
            write(further.settings, isFurther: true, to: &writer)
        }
    }

    private func write(_ check: CheckSettings, isFurther: Bool = false, to writer: inout DirectiveWriter) {
        let defaults = CheckSettings()
        writer.plain(.checktype, check.type.word)
        writer.plain(.service, check.service.rawValue)
        if check.content.request != defaults.content.request {
            writer.quoted(.request, check.content.request)
        }
        writer.quoted(.receive, check.content.receive)
        writer.plain(.httpmethod, check.httpMethod == defaults.httpMethod ? nil : check.httpMethod.rawValue)
        writer.quoted(.virtualhost, check.virtualHost)
        writer.quoted(.login, check.login)
        writer.quoted(.passwd, secret(check.password))
        writer.quoted(.database, check.database)
        writer.quoted(.secret, secret(check.secret))
        writer.plain(.checkport, check.port.map { String($0) })
        writer.quoted(.checkcommand, check.command == defaults.command ? nil : check.command)
        writer.seconds(.checktimeout, check.connectTimeout)
        writer.seconds(.negotiatetimeout, check.negotiateTimeout)
        writer.plain(.checkcount, check.count == defaults.count ? nil : String(check.count))
        writeConditions(of: check, to: &writer)
        if !isFurther {
            writer.seconds(.checkinterval, check.interval)
            writer.plain(.failurecount, String(check.failureCount))
            write(check.conduct, to: &writer)
        }
    }

    private func write(_ conduct: CheckConduct, to writer: inout DirectiveWriter) {
        if conduct.holdsConnection {
            writer.flag(.idlecheck, true)
        }
        writer.plain(.checksource, conduct.sourceAddress?.description)
        writer.plain(.checkinterface, conduct.interface)
        writer.plain(.dynamicweight, conduct.largestWeight > 0 ? String(conduct.largestWeight) : nil)
    }

    private func write(_ settings: LifeCycleSettings, to writer: inout DirectiveWriter) {
        let defaults = LifeCycleSettings()
        if settings.tellsFallbackCommandOnStop {
            writer.flag(.fallbackcommandonstop, true)
        }
        writer.plain(.risecount, settings.riseCount == defaults.riseCount ? nil : String(settings.riseCount))
        if settings.warmup > .zero {
            writer.seconds(.warmup, settings.warmup)
        }
        if settings.depoolThreshold != defaults.depoolThreshold {
            writer.plain(.depoolthreshold, String(settings.depoolThreshold))
        }
        if settings.drainLimit > .zero {
            writer.seconds(.drainlimit, settings.drainLimit)
        }
        writer.plain(.reconcile, settings.reconciliation == .off ? nil : settings.reconciliation.rawValue)
    }

    func secret(_ text: String) -> String { hidesSecrets && !text.isEmpty ? "***" : text }

    private static func netmask(_ granularity: Persistence.Granularity) -> String {
        switch granularity {
        case .netmask(let mask): mask.description
        case .prefixLength(let length): String(length)
        }
    }

    private static func real(_ real: RealServer) -> String {
        var text = real.address.bracketed
        if real.configuredPort > 0 {
            text += ":\(real.configuredPort)"
        }
        text += " \(real.forwarding.rawValue) \(real.weight)"
        if let content = real.content {
            text += " \"\(content.request)\", \"\(content.receive)\""
        }
        if real.lowerThreshold > 0 {
            text += " l:\(real.lowerThreshold)"
        }
        if real.upperThreshold > 0 {
            text += " u:\(real.upperThreshold)"
        }
        return text
    }
}

/// Writes directives one a line, indented inside a block.
struct DirectiveWriter {
    private(set) var text = ""
    private var indent = ""

    mutating func open(_ name: DirectiveName, _ value: String) {
        text += "\n\(name.rawValue)=\(value)\n"
        indent = "    "
    }

    /// A value as it is; nothing for nil.
    mutating func plain(_ name: DirectiveName, _ value: String?) {
        guard let value else {
            return
        }
        text += "\(indent)\(name.rawValue)=\(value)\n"
    }

    /// A value in double quotes, which need no escapes; nothing for nil and for an empty text.
    mutating func quoted(_ name: DirectiveName, _ value: String?) {
        guard let value, !value.isEmpty else {
            return
        }
        plain(name, "\"\(value)\"")
    }

    mutating func flag(_ name: DirectiveName, _ value: Bool) {
        plain(name, value ? "yes" : "no")
    }

    /// Whole seconds without a point, else up to milliseconds.
    mutating func seconds(_ name: DirectiveName, _ value: Duration) {
        let (seconds, attoseconds) = value.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else {
            plain(name, String(seconds))
            return
        }
        var digits = String(1000 + milliseconds).dropFirst()
        while digits.last == "0" {
            digits.removeLast()
        }
        plain(name, "\(seconds).\(digits)")
    }
}
