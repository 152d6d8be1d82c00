// SPDX-License-Identifier: Apache-2.0
public import HealthChecks
public import IPVS
public import LDirectorConfig

/// Decides which real servers are in use; a value without I/O, clock or kernel.
///
/// State and failure counters belong to the pair of virtual and real server, also where one probe serves several pairs.
public struct Director: Sendable {
    /// The configuration in force.
    public private(set) var configuration = Configuration()

    /// The state of every configured server.
    public private(set) var states: [ServerID: ServerState] = [:]

    /// Which servers a check plan decides on.
    public private(set) var subscribers: [CheckPlan: [ServerID]] = [:]

    /// The virtual servers by their kernel identity.
    var virtuals: [VirtualServiceKey: VirtualServer] = [:]

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
        var newSubscribers: [CheckPlan: [ServerID]] = [:]
        for virtual in new.virtualServers {
            for real in virtual.realServers {
                let id = ServerID(virtual.key, real.key)
                let policy = try CheckPlanner.policy(of: real, in: virtual)
                let entry = found[virtual.key]?.destinations.first { $0.key == real.key }
                newStates[id] = state(of: id, policy, entry: entry, at: now)
                if case .checked(let plan) = policy {
                    newSubscribers[plan, default: []].append(id)
                }
            }
        }
        configuration = new
        states = newStates
        subscribers = newSubscribers
        virtuals = Dictionary(new.virtualServers.map { ($0.key, $0) }) { first, _ in first }
    }

    /// Judges a check; the result applies to every server with this plan.
    ///
    /// - Returns: What follows for each server, nothing for servers that stay as they are.
    public mutating func record(
        _ result: CheckResult,
        of plan: CheckPlan,
        at now: SuspendingClock.Instant
    ) -> [Transition] {
        (subscribers[plan] ?? []).compactMap { id in
            guard var state = states[id], let limit = virtuals[id.service]?.check.failureCount else {
                return nil
            }
            state.lastResult = result
            state.lastCheck = now
            let kind = Self.judge(result.outcome, &state, limit: limit, at: now)
            states[id] = state
            return kind.map { Transition(kind: $0, server: id, reason: result.outcome.description) }
        }
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
                known.lastResult = nil
                known.lastCheck = nil
            }
            if policy == .alwaysUp, !known.isUp {
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
        return ServerState(isUp: isUp, since: now, reason: reason, policy: policy)
    }

    private static func judge(
        _ outcome: CheckOutcome,
        _ state: inout ServerState,
        limit: Int,
        at now: SuspendingClock.Instant
    ) -> Transition.Kind? {
        switch outcome {
        case .up:
            let failures = state.failures
            state.failures = 0
            guard !state.isUp else {
                return failures > 0 ? .reset(after: failures) : nil
            }
            (state.isUp, state.since, state.reason) = (true, now, "ok")
            return .up
        case .down(let reason):
            guard state.isUp else {
                state.reason = reason
                return nil
            }
            state.failures += 1
            guard state.failures >= limit else {
                return .softFailure(state.failures, of: limit)
            }
            (state.isUp, state.since, state.reason, state.failures) = (false, now, reason, 0)
            return .down
        }
    }
}
