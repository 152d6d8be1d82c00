// SPDX-License-Identifier: Apache-2.0
public import HealthChecks
public import IPVS
public import LDirectorConfig
import LinuxKit

/// Decides which real servers are in use; a value without I/O, clock or kernel.
///
/// State and failure counters belong to the pair of virtual and real server, also where one probe serves several pairs.
public struct Director: Sendable {
    /// The configuration in force.
    public private(set) var configuration = Configuration()

    /// The state of every configured server.
    public internal(set) var states: [ServerID: ServerState] = [:]

    /// Which servers a check plan decides on.
    public private(set) var subscribers: [CheckPlan: [ServerID]] = [:]

    /// The virtual servers by their kernel identity.
    var virtuals: [VirtualServiceKey: VirtualServer] = [:]

    /// What the maintenance directory says.
    var maintenance = MaintenanceFiles()

    /// Host names of real servers, as far as they are known, for maintenance files.
    var hostNames: [IPAddress: String] = [:]

    /// What operators want, by the control socket; orders for servers that are not configured wait for them.
    public internal(set) var operatorOrders: [ServerID: StandingOrder] = [:]

    /// What each `fallbackcommand` was told last.
    var announced: [VirtualServiceKey: FallbackCall] = [:]

    /// All check plans, in the order of the file.
    var plans: [CheckPlan] {
        var seen: Set<CheckPlan> = []
        return configuration.virtualServers.flatMap { virtual in
            virtual.realServers.compactMap { real in
                guard case .checked(let plan)? = states[ServerID(virtual.key, real.key)]?.policy else {
                    return nil
                }
                return seen.insert(plan).inserted ? plan : nil
            }
        }
    }

    /// Directs nothing yet.
    public init() {}

    /// Puts a configuration in force, at start or on reload.
    ///
    /// A server that was configured before keeps its state, and its failure counter where its check did not change. Any
    /// other server is adopted: it counts as up when the kernel's table has it with a weight above 0.
    ///
    /// - Parameters:
    ///   - new: The validated configuration.
    ///   - table: The kernel's table.
    ///   - now: The time, for "since when".
    /// - Throws: ``CheckPlanner/Unsupported``; then nothing has changed.
    public mutating func install(
        _ new: Configuration,
        table: [ServiceEntry],
        at now: SuspendingClock.Instant
    ) throws(CheckPlanner.Unsupported) {
        let found = Dictionary(table.map { ($0.service.key, $0) }) { first, _ in first }
        var newStates: [ServerID: ServerState] = [:]
        // To grow by doubling would move all of them again and again.
        newStates.reserveCapacity(new.virtualServers.reduce(0) { $0 + $1.realServers.count })
        var newSubscribers: [CheckPlan: [ServerID]] = [:]
        for virtual in new.virtualServers {
            let entries = Dictionary((found[virtual.key]?.destinations ?? []).map { ($0.key, $0) }) { first, _ in first
            }
            for real in virtual.realServers {
                let id = ServerID(virtual.key, real.key)
                let policy = try CheckPlanner.policy(of: real, in: virtual)
                var state = state(of: id, policy, entry: entries[real.key], at: now)
                applyOrders(to: &state, of: real, in: virtual, at: now)
                newStates[id] = state
                if case .checked(let plan) = policy {
                    newSubscribers[plan, default: []].append(id)
                }
            }
        }
        configuration = new
        states = newStates
        subscribers = newSubscribers
        virtuals = Dictionary(new.virtualServers.map { ($0.key, $0) }) { first, _ in first }
        announced = announced.filter { virtuals[$0.key]?.fallbackCommand == $0.value.command }
        for key in virtuals.keys {
            // A new share of servers that may be out holds from now on; the table follows with everything else.
            _ = settle(key, at: now)
        }
    }

    /// Judges a check; the result applies to every server with this plan.
    ///
    /// - Returns: What follows for each server, nothing for servers that stay as they are.
    public mutating func record(
        _ result: CheckResult,
        of plan: CheckPlan,
        at now: SuspendingClock.Instant
    ) -> [Transition] {
        var transitions: [Transition] = []
        for id in subscribers[plan] ?? [] {
            guard var state = states[id] else {
                continue
            }
            state.lastResult = result
            state.lastCheck = now
            states[id] = state
            let verdict = judge(result.outcome, id, at: now)
            if let weight = weigh(result, plan, id), verdict != .up {
                transitions.append(Transition(kind: weight, server: id, reason: states[id]?.reason ?? ""))
            }
            guard let kind = verdict else {
                continue
            }
            transitions.append(Transition(kind: kind, server: id, reason: result.outcome.description))
            if kind == .up || kind == .down {
                transitions += settle(id.service, at: now)
            }
        }
        return transitions
    }

    /// Whether any real server of a virtual counts as up.
    public func hasServerUp(_ key: VirtualServiceKey) -> Bool {
        virtuals[key]?.realServers.contains { states[ServerID(key, $0.key)]?.isUp == true } ?? false
    }

    private func state(
        of id: ServerID,
        _ policy: CheckPolicy,
        entry: Destination?,
        at now: SuspendingClock.Instant
    ) -> ServerState {
        if var known = states[id] {
            let changed = known.policy != policy
            known.policy = policy
            if changed {
                known.failures = 0
                known.successes = 0
                known.retainedSince = nil
                known.warmUntil = nil
                known.checkWeight = nil
                known.lastResult = nil
                known.lastCheck = nil
            }
            if policy == .alwaysUp, !known.isUp, known.hold == nil {
                known.isUp = true
                known.since = now
                known.reason = "not checked"
            }
            return known
        }
        let isUp = policy == .alwaysUp || (entry?.weight ?? 0) > 0
        let reason: String
        switch policy {
        case .alwaysUp: reason = "not checked"
        case .untouched: reason = isUp ? "found in the kernel's table, not checked" : "checks are off"
        case .checked: reason = isUp ? "found in the kernel's table" : "not checked yet"
        }
        var state = ServerState(isUp: isUp, since: now, reason: reason, policy: policy)
        if case .checked(let plan) = policy, let weight = entry?.weight,
            (1...max(1, plan.largestWeight)).contains(weight),
            plan.largestWeight > 0
        {
            // What a check found before a restart holds until the next one.
            state.checkWeight = weight
        }
        return state
    }
}
