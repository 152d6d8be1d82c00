// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig
public import LinuxKit

extension Director {
    /// Takes note of the maintenance directory.
    ///
    /// - Parameters:
    ///   - files: What it holds.
    ///   - hosts: Host names of real servers, as far as they are known.
    ///   - now: The time, for "since when".
    /// - Returns: What follows for the servers.
    public mutating func setMaintenance(
        _ files: MaintenanceFiles,
        hosts: [IPAddress: String],
        at now: SuspendingClock.Instant
    ) -> [Transition] {
        guard files != maintenance || hosts != hostNames else {
            return []
        }
        maintenance = files
        hostNames = hosts
        return reviewOrders(at: now)
    }

    /// Puts an order of an operator in force, or takes it back with nil.
    ///
    /// - Returns: What follows for the servers.
    public mutating func setOrder(
        _ order: StandingOrder?,
        for ids: [ServerID],
        at now: SuspendingClock.Instant
    ) -> [Transition] {
        for id in ids {
            operatorOrders[id] = order
        }
        return reviewOrders(at: now)
    }

    /// Takes over orders from before, at start, ahead of ``install(_:table:at:)``.
    public mutating func restoreOrders(_ orders: [ServerID: StandingOrder]) { operatorOrders = orders }

    /// The servers that an operator means.
    ///
    /// - Parameters:
    ///   - server: An address, or an address and a port as configured or as in the table.
    ///   - service: Limits the search to one virtual server: its name in log lines, its `servicename`, or
    ///     "tcp 10.9.0.1:80"; nil is all of them.
    /// - Returns: The servers; none when nothing fits.
    public func servers(named server: String, in service: String?) -> [ServerID] {
        configuration.virtualServers.filter { virtual in
            service == nil || [virtual.name, virtual.identity.description, virtual.serviceName].contains(service)
        }.flatMap { virtual in
            virtual.realServers.filter { real in
                let address = real.address
                return [
                    "\(address)", address.bracketed, "\(real.key)", "\(address.bracketed):\(real.configuredPort)",
                ].contains(server)
            }.map { ServerID(virtual.key, $0.key) }
        }
    }

    private mutating func reviewOrders(at now: SuspendingClock.Instant) -> [Transition] {
        var transitions: [Transition] = []
        for virtual in configuration.virtualServers {
            for real in virtual.realServers {
                let id = ServerID(virtual.key, real.key)
                guard var state = states[id] else {
                    continue
                }
                let kind = applyOrders(to: &state, of: real, in: virtual, at: now)
                states[id] = state
                if let kind {
                    transitions.append(Transition(kind: kind, server: id, reason: state.reason))
                }
            }
            if transitions.contains(where: { $0.server.service == virtual.key }) {
                transitions += settle(virtual.key, at: now)
            }
        }
        return transitions
    }

    /// Makes one server's state follow the orders that are in force for it.
    ///
    /// - Returns: What follows; nil when nothing does.
    @discardableResult
    func applyOrders(
        to state: inout ServerState,
        of real: RealServer,
        in virtual: VirtualServer,
        at now: SuspendingClock.Instant
    ) -> Transition.Kind? {
        let before = (hold: state.hold, weight: state.weightOverride)
        state.operatorOrder = operatorOrders[ServerID(virtual.key, real.key)]
        state.fileOrder = fileOrder(for: real, in: virtual, before: state.fileOrder, at: now)
        switch (before.hold, state.hold) {
        case (nil, nil):
            guard state.isUp, before.weight != state.weightOverride else {
                return nil
            }
            return .weight(state.weight(of: real))
        case (let old?, let new?) where old == new && !state.isUp: return nil
        case (_, let hold?):
            let wasUp = state.isUp
            state.goDown(hold.reason, at: wasUp ? now : state.since)
            state.isDrained = hold.deadline.map { $0 <= now } ?? false
            return .down
        case (_?, nil):
            state.isDrained = false
            state.reason = "not checked since \(before.hold?.reason ?? "") ended"
            guard state.policy == .alwaysUp else {
                return nil
            }
            state.comeUp("not checked", at: now)
            return .up
        }
    }

    private func fileOrder(
        for real: RealServer,
        in virtual: VirtualServer,
        before: StandingOrder?,
        at now: SuspendingClock.Instant
    ) -> StandingOrder? {
        guard let (name, wish) = maintenance.wish(for: real, in: virtual, host: hostNames[real.address]) else {
            return nil
        }
        var order = StandingOrder(wish, reason: "maintenance file \(name)", since: now)
        if case .drain(nil) = wish, virtual.lifeCycle.drainLimit > .zero {
            order.wish = .drain(limit: virtual.lifeCycle.drainLimit)
        }
        if let before, before.wish == order.wish, before.reason == order.reason {
            return before
        }
        return order
    }
}

extension Director {
    /// The check plans that decide on these servers.
    func plans(of ids: [ServerID]) -> [CheckPlan] {
        Array(
            Set(
                ids.compactMap { id -> CheckPlan? in
                    if case .checked(let plan)? = states[id]?.policy { plan } else { nil }
                }
            )
        )
    }

    /// The configured limit of drains of a server; zero is none.
    func drainLimit(of id: ServerID) -> Duration { virtuals[id.service]?.lifeCycle.drainLimit ?? .zero }

    /// One line for who gave an order: the server, and what holds for it now.
    func orderDescription(of id: ServerID) -> String {
        guard let state = states[id], let virtual = virtuals[id.service],
            let real = virtual.realServers.first(where: { $0.key == id.destination })
        else {
            return "\(id.destination)"
        }
        var text = "\(real.name) (\(virtual.name)) \(state.isUp ? "up" : "down"): \(state.reason)"
        if let weight = state.weightOverride {
            text += ", weight \(weight) instead of \(real.weight)"
        }
        return text
    }
}
