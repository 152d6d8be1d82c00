// SPDX-License-Identifier: Apache-2.0
import HealthChecks
public import LDirectorConfig
import LinuxKit

/// Turns the check settings of the configuration into plans.
public enum CheckPlanner {
    /// A configured check that cannot be carried out.
    public struct Unsupported: Error, Hashable, Sendable, CustomStringConvertible {
        /// One sentence without a full stop.
        public let description: String
    }

    /// One check of one server.
    struct Subject {
        let real: RealServer
        let identity: ServiceIdentity
        let check: CheckSettings
        let content: CheckContent
        /// A real server's own request may be a whole URL.
        let hasOwnContent: Bool

        /// Where the check goes to.
        var target: SocketAddress { SocketAddress(real.address, port: real.port(of: check, in: identity)) }
    }

    /// The policy of one real server.
    ///
    /// - Throws: ``Unsupported``; a check that does not exist must never pass for one that succeeds.
    public static func policy(
        of real: RealServer,
        in virtual: VirtualServer
    ) throws(Unsupported) -> CheckPolicy {
        let policy = try joinedPolicy(of: real, in: virtual)
        guard case .checked(var plan) = policy else {
            return policy
        }
        let check = virtual.check
        plan.holdsConnection =
            check.conduct.holdsConnection && check.usesConnection(virtual.identity.transport)
            && plan.first.watchedProbe.target.port > 0
        return .checked(plan)
    }

    private static func joinedPolicy(
        of real: RealServer,
        in virtual: VirtualServer
    ) throws(Unsupported) -> CheckPolicy {
        let own = try ownPolicy(of: real, in: virtual)
        guard own != .untouched, !virtual.furtherChecks.isEmpty else {
            return own
        }
        var further: [Probe.Part] = []
        for check in virtual.furtherChecks {
            further.append(Probe.Part(name: check.name, probe: try probe(of: check, with: real, in: virtual)))
        }
        guard case .checked(var plan) = own else {
            return Probe(all: further).map {
                .checked(CheckPlan(first: $0, interval: virtual.check.interval))
            } ?? own
        }
        plan.first = joined(plan.first, further)
        if let between = plan.between {
            plan.between = CheckPlan.Between(probe: joined(between.probe, further), count: between.count)
        }
        return .checked(plan)
    }

    private static func joined(_ own: Probe, _ further: [Probe.Part]) -> Probe {
        Probe(all: [Probe.Part(name: "", probe: own)] + further) ?? own
    }

    private static func probe(
        of further: FurtherCheck,
        with real: RealServer,
        in virtual: VirtualServer
    ) throws(Unsupported) -> Probe {
        let settings = further.settings
        let subject = Subject(
            real: real,
            identity: virtual.identity,
            check: settings,
            content: settings.content,
            hasOwnContent: false
        )
        do {
            return try probe(of: subject)
        } catch {
            throw Unsupported(description: "check \"\(further.name)\": \(error)")
        }
    }

    private static func ownPolicy(of real: RealServer, in virtual: VirtualServer) throws(Unsupported) -> CheckPolicy {
        let check = virtual.check
        let subject = Subject(
            real: real,
            identity: virtual.identity,
            check: check,
            content: virtual.content(for: real),
            hasOwnContent: real.content != nil
        )
        switch check.type {
        case .on: return .alwaysUp
        case .off: return .untouched
        case .negotiate where check.service == .none: return .alwaysUp
        // Q41: with service none every turn is a connect.
        case .combined where check.service == .none:
            return .checked(CheckPlan(first: probe(reach(of: subject), subject), interval: check.interval))
        case .combined(let connects):
            var plan = CheckPlan(first: try probe(of: subject), interval: check.interval)
            if connects > 0 {
                plan.between = CheckPlan.Between(probe: probe(reach(of: subject), subject), count: connects)
            }
            return .checked(plan)
        case .connect, .ping, .external, .externalPerl, .negotiate:
            return .checked(CheckPlan(first: try probe(of: subject), interval: check.interval))
        }
    }

    /// A connect; what no connect can be made of (udp, sctp) is an echo: better that than a TCP connect to an SCTP port.
    private static func reach(of subject: Subject) -> Probe.Method {
        switch subject.identity.transport {
        case .udp, .sctp: .ping(count: subject.check.count)
        default: .connect
        }
    }

    private static func probe(of subject: Subject) throws(Unsupported) -> Probe {
        let check = subject.check
        switch check.type {
        case .connect, .on, .off: return probe(reach(of: subject), subject)
        case .ping: return probe(.ping(count: check.count), subject)
        case .external: return probe(.command([check.command] + arguments(subject)), subject)
        case .externalPerl: return probe(.command(["/usr/bin/perl", check.command] + arguments(subject)), subject)
        case .negotiate, .combined: return probe(try exchange(subject), subject)
        }
    }

    private static func probe(_ method: Probe.Method, _ subject: Subject) -> Probe { probe(Exchange(method), subject) }

    private static func probe(_ exchange: Exchange, _ subject: Subject) -> Probe {
        let check = subject.check
        var target = subject.target
        let limits: (connect: Duration, whole: Duration)
        switch exchange.method {
        case .connect, .command:
            limits = (check.connectTimeout, check.connectTimeout)
        case .ping(let count):
            target = SocketAddress(subject.real.address, port: 0)
            limits = (check.connectTimeout, check.connectTimeout * count)
        case .ldap, .radius:
            limits = (min(check.connectTimeout, check.negotiateTimeout), check.connectTimeout)
        case .text(let text) where text.acceptsSilence:
            // Up is who stays silent to the end: the longer limit would only be waited for.
            limits = (check.connectTimeout, check.connectTimeout)
        default:
            target = exchange.target ?? target
            limits = (check.negotiateTimeout, check.negotiateTimeout)
        }
        var probe = Probe(
            exchange.method,
            of: target,
            over: exchange.transport,
            security: exchange.security,
            connectTimeout: limits.connect,
            timeout: limits.whole
        )
        let conduct = check.conduct
        if case .command = exchange.method {
            probe.largestWeight = conduct.largestWeight
        }
        probe.origin = CheckOrigin(address: conduct.sourceAddress, interface: conduct.interface)
        return probe
    }

    /// What external checks are told: virtual address or mark, virtual port, real address, real port as written.
    private static func arguments(_ subject: Subject) -> [String] {
        let target: String
        switch subject.identity {
        case .address(_, let endpoint): target = endpoint.address.bracketed
        case .firewallMark(let mark, _): target = String(mark)
        }
        let real = subject.real
        return [target, String(subject.identity.port), real.address.bracketed, String(real.configuredPort)]
    }
}
