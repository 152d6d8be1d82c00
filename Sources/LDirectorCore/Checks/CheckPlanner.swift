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

    /// The policy of one real server.
    ///
    /// - Throws: ``Unsupported``; a check that does not exist must never pass for one that succeeds.
    public static func policy(
        of real: RealServer,
        in virtual: VirtualServer
    ) throws(Unsupported) -> CheckPolicy {
        let check = virtual.check
        // A connect that no probe can make (sctp) is an echo too; better that than a TCP connect to an SCTP port.
        let isDatagram = virtual.identity.transport == .udp || virtual.identity.transport == .sctp
        let reach: Probe.Method = isDatagram ? .ping(count: check.count) : .connect
        switch check.type {
        case .on: return .alwaysUp
        case .off: return .untouched
        case .connect: return .checked(plan(reach, real, virtual))
        case .ping: return .checked(plan(.ping(count: check.count), real, virtual))
        case .external: return .checked(plan(.command([check.command] + arguments(real, virtual)), real, virtual))
        case .externalPerl:
            let program = ["/usr/bin/perl", check.command] + arguments(real, virtual)
            return .checked(plan(.command(program), real, virtual))
        case .negotiate:
            guard check.service != .none else {
                return .alwaysUp
            }
            return .checked(plan(try exchange(with: real, in: virtual), real, virtual))
        case .combined(let connects):
            // Q41: with service none every turn is a connect.
            guard check.service != .none else {
                return .checked(plan(reach, real, virtual))
            }
            var combined = plan(try exchange(with: real, in: virtual), real, virtual)
            if connects > 0 {
                combined.between = CheckPlan.Between(probe: plan(reach, real, virtual).first, count: connects)
            }
            return .checked(combined)
        }
    }

    private static func plan(_ method: Probe.Method, _ real: RealServer, _ virtual: VirtualServer) -> CheckPlan {
        plan(Exchange(method), real, virtual)
    }

    private static func plan(_ exchange: Exchange, _ real: RealServer, _ virtual: VirtualServer) -> CheckPlan {
        let check = virtual.check
        let target: SocketAddress
        let limits: (connect: Duration, whole: Duration)
        switch exchange.method {
        case .connect, .command:
            target = SocketAddress(real.address, port: real.checkPort)
            limits = (check.connectTimeout, check.connectTimeout)
        case .ping(let count):
            target = SocketAddress(real.address, port: 0)
            limits = (check.connectTimeout, check.connectTimeout * count)
        case .ldap, .radius:
            target = SocketAddress(real.address, port: real.checkPort)
            limits = (min(check.connectTimeout, check.negotiateTimeout), check.connectTimeout)
        default:
            target = exchange.target ?? SocketAddress(real.address, port: real.checkPort)
            limits = (check.negotiateTimeout, check.negotiateTimeout)
        }
        let probe = Probe(
            exchange.method,
            of: target,
            over: exchange.transport,
            security: exchange.security,
            connectTimeout: limits.connect,
            timeout: limits.whole
        )
        return CheckPlan(first: probe, interval: check.interval)
    }

    /// What external checks are told: virtual address or mark, virtual port, real address, real port as written.
    private static func arguments(_ real: RealServer, _ virtual: VirtualServer) -> [String] {
        let target: String
        switch virtual.identity {
        case .address(_, let endpoint): target = endpoint.address.bracketed
        case .firewallMark(let mark, _): target = String(mark)
        }
        return [
            target, String(virtual.identity.port), real.address.bracketed, String(real.configuredPort),
        ]
    }
}
