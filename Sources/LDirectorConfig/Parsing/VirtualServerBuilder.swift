// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Judges the lines of one block together, applies defaults and inheritance, and looks names up.
struct VirtualServerBuilder {
    let block: BlockDraft
    let inherited: InheritedSettings
    let daemon: DaemonSettings
    let directorName: String
    let endpoints: EndpointReader

    private var findings: Findings { endpoints.findings }
    private var values: DirectiveValues { block.values }

    /// The virtual server; nil after an error that leaves it without an identity.
    func virtualServer(budget: inout Int) -> VirtualServer? {
        let identity = identity()
        // Without an identity the rest is still judged, as if it were a mark, and then dropped.
        var server = VirtualServer(identity: identity ?? .firewallMark(1, block.family))
        server.check = checkSettings(port: server.identity.port)
        server.check.conduct =
            CheckConductBuilder(block: block, inherited: inherited.values, findings: findings).conduct()
        applyTable(to: &server)
        applyLifeCycle(to: &server)
        server.fallback = fallback(of: server.identity)
        server.realServers = RealServerBuilder(
            identity: server.identity,
            check: server.check,
            family: block.family,
            endpoints: endpoints
        ).realServers(block.reals, budget: &budget)
        server.furtherChecks = furtherChecks(of: server)
        if server.check.type == .off, let draft = block.furtherChecks.first {
            findings.warning(.noEffect, draft.name.name, "with checktype=off no further check is made")
        }
        CheckConductBuilder(block: block, inherited: inherited.values, findings: findings).warn(about: server)
        warnAboutDepoolThreshold(of: server)
        return identity == nil ? nil : server
    }

    // MARK: identity

    private func identity() -> ServiceIdentity? {
        guard let target = block.target else {
            return nil
        }
        let written = values.text(.protocol)
        switch target {
        case .firewallMark(let mark):
            // Any other protocol has been reported on its line.
            return written == nil || written == "fwm" ? .firewallMark(mark, block.family) : nil
        case .endpoint(let host, let port):
            guard written != "fwm" else {
                return nil
            }
            let transport = written.flatMap(TransportProtocol.init(rawValue:)) ?? target.impliedTransport
            if transport == .sctp, let place = values[.protocol]?.token {
                findings.relaxed(place, "protocol sctp")
            }
            let address = endpoints.address(host, family: block.family)
            let number = endpoints.number(port, transports: [transport])
            guard let address, let number else {
                return nil
            }
            guard number > 0 else {
                findings.error(.badPort, port.token, "a virtual server cannot have port 0")
                return nil
            }
            return .address(transport, SocketAddress(address, port: number))
        }
    }

    // MARK: checks

    private func checkSettings(port: UInt16) -> CheckSettings {
        var check = CheckSettings()
        let limits = inherited
        check.connectTimeout =
            limits.timeout(.checktimeout, .negotiatetimeout, in: values) ?? check.connectTimeout
        check.negotiateTimeout =
            limits.timeout(.negotiatetimeout, .checktimeout, in: values) ?? check.negotiateTimeout
        check.interval = values.duration(.checkinterval) ?? limits.values.duration(.checkinterval) ?? check.interval
        check.count = values.count(.checkcount) ?? limits.values.count(.checkcount) ?? check.count
        check.failureCount = values.count(.failurecount) ?? limits.values.count(.failurecount) ?? check.failureCount
        return CheckBuilder(values: values, directorName: directorName, findings: findings).settings(
            over: check,
            port: port,
            at: block.place
        )
    }

    /// The further checks in file order; their times are those of the block unless they say otherwise.
    private func furtherChecks(of server: VirtualServer) -> [FurtherCheck] {
        var times = CheckSettings()
        times.connectTimeout = server.check.connectTimeout
        times.negotiateTimeout = server.check.negotiateTimeout
        times.interval = server.check.interval
        times.count = server.check.count
        times.failureCount = server.check.failureCount
        times.conduct = server.check.conduct
        var seen: [String: Token] = [:]
        return block.furtherChecks.compactMap { draft in
            guard case .text(let name) = draft.name.value else {
                findings.error(.missingValue, draft.name.name, "'check' needs a name")
                return nil
            }
            if let first = seen[name] {
                let notes = [Diagnostic.Note("the first one is here", at: findings.span(first))]
                findings.error(
                    .duplicate,
                    draft.name.token,
                    "the block has a check \(draft.name.token.quoted)",
                    notes: notes
                )
                return nil
            }
            seen[name] = draft.name.token
            let builder = CheckBuilder(values: draft.values, directorName: directorName, findings: findings)
            return builder.furtherCheck(name, over: times, port: server.identity.port, at: draft.name.token)
        }
    }

    private func warnAboutDepoolThreshold(of server: VirtualServer) {
        let percent = server.lifeCycle.depoolThreshold
        let place = values[.depoolthreshold]?.token ?? inherited.values[.depoolthreshold]?.token
        guard let place, !server.realServers.isEmpty, server.realServers.count * percent < 100 else {
            return
        }
        let count = server.realServers.count
        findings.warning(
            .noEffect,
            place,
            "\(percent) % of \(count) real server\(count == 1 ? "" : "s") is none: no check can take one out of \(block.place.quoted)"
        )
    }

    // MARK: the kernel's table

    private func applyTable(to server: inout VirtualServer) {
        server.scheduler = values.text(.scheduler) ?? server.scheduler
        server.schedulerFlags = values.list(.schedflags) ?? []
        warnAboutSchedulerFlags(of: server)
        let granularity = values[.netmask].flatMap { block.granularity($0.token) }
        if let timeout = values.duration(.persistent) {
            server.persistence = Persistence(timeout: timeout, granularity: granularity ?? .host(block.family))
        } else if let netmask = values[.netmask], granularity != nil {
            findings.warning(.noEffect, netmask.name, "'netmask' has no effect without 'persistent'")
        }
        if values.flag(.ops) == true {
            server.schedulesEveryPacket = server.identity.transport == .udp
            if !server.schedulesEveryPacket, block.target != nil, let ops = values[.ops] {
                findings.warning(.noEffect, ops.name, "'ops' has no effect unless the protocol is udp")
            }
        }
    }

    private func warnAboutSchedulerFlags(of server: VirtualServer) {
        guard let place = values[.schedflags]?.token else {
            return
        }
        // What a scheduler that came with no kernel does with its flags is not known.
        let known = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"]
        guard known.contains(server.scheduler) else {
            return
        }
        for flag in server.schedulerFlags where flag.hasPrefix("sh-") || flag.hasPrefix("mh-") {
            let owner = String(flag.prefix(2))
            if server.scheduler != owner {
                findings.warning(
                    .noEffect,
                    place,
                    "'\(flag)' is a flag of scheduler \(owner), not of \(server.scheduler)"
                )
            }
        }
    }

    // MARK: life-cycle and reports

    private func applyLifeCycle(to server: inout VirtualServer) {
        let globals = inherited.values
        server.isQuiescent = values.flag(.quiescent) ?? globals.flag(.quiescent) ?? false
        server.readdsQuiescent = values.flag(.readdquiescent) ?? globals.flag(.readdquiescent) ?? false
        server.cleansOnStop = values.flag(.cleanstop) ?? globals.flag(.cleanstop) ?? true
        server.fallbackCommand = values.text(.fallbackcommand) ?? daemon.fallbackCommand
        server.lifeCycle = LifeCycleSettings(values, inherited: globals)
        server.mail = DaemonBuilder.mail(values, inherited: daemon.mail)
        server.monitorFile = values.text(.monitorfile)
        server.serviceName = values.text(.servicename)
        server.comment = values.text(.comment)
    }

    private func fallback(of identity: ServiceIdentity) -> Fallback? {
        let line = block.fallback ?? (block.family == .ipv4 ? inherited.fallback : inherited.fallback6)
        return line?.server(of: identity, endpoints: endpoints)
    }
}
