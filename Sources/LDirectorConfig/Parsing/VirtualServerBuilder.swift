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
        applyTable(to: &server)
        applyLifeCycle(to: &server)
        server.fallback = fallback(of: server.identity)
        server.realServers = RealServerBuilder(
            identity: server.identity,
            check: server.check,
            family: block.family,
            endpoints: endpoints
        ).realServers(block.reals, budget: &budget)
        warnAboutChecks(of: server)
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
        check.type = values.checkType(.checktype) ?? .negotiate
        check.service = values.text(.service).flatMap(CheckService.init(rawValue:)) ?? CheckService(impliedBy: port)
        check.content = CheckContent(
            request: values.text(.request) ?? "/",
            receive: values.text(.receive) ?? ""
        )
        check.httpMethod = values.text(.httpmethod).flatMap(HTTPMethod.init(rawValue:)) ?? .get
        check.virtualHost = values.text(.virtualhost)
        check.login = values.text(.login) ?? ""
        check.password = values.text(.passwd) ?? ""
        check.database = values.text(.database) ?? ""
        check.secret = values.text(.secret) ?? ""
        check.port = values.count(.checkport).flatMap(UInt16.init(exactly:))
        check.command = values.text(.checkcommand) ?? check.command
        let limits = inherited
        check.connectTimeout =
            limits.timeout(.checktimeout, .negotiatetimeout, in: values) ?? check.connectTimeout
        check.negotiateTimeout =
            limits.timeout(.negotiatetimeout, .checktimeout, in: values) ?? check.negotiateTimeout
        check.interval = values.duration(.checkinterval) ?? limits.values.duration(.checkinterval) ?? check.interval
        check.count = values.count(.checkcount) ?? limits.values.count(.checkcount) ?? check.count
        check.failureCount = values.count(.failurecount) ?? limits.values.count(.failurecount) ?? check.failureCount
        applyLoginDefaults(to: &check)
        return check
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

    private func warnAboutChecks(of server: VirtualServer) {
        let check = server.check
        let isNegotiated: Bool
        switch check.type {
        case .negotiate, .combined: isNegotiated = true
        default: isNegotiated = false
        }
        guard isNegotiated else {
            return
        }
        switch check.service {
        case .http, .https, .httpProxy:
            if check.httpMethod == .head, let receive = values[.receive] {
                findings.warning(.noEffect, receive.name, "with httpmethod HEAD there is no text that could match")
            }
        case .mysql, .pgsql, .oracle:
            if check.login.isEmpty || check.content.bareRequest.isEmpty {
                let place = values[.service]?.token ?? block.place
                let service = check.service.rawValue
                findings.warning(.noEffect, place, "a \(service) check without login and request never succeeds")
            }
        default:
            break
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
