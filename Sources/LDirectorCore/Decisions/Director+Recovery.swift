// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig

extension Director {
    /// When ``advance(to:)`` has something to do next; nil when nothing waits.
    public var nextDeadline: SuspendingClock.Instant? {
        states.values.compactMap { state in
            state.warmUntil ?? (state.isDrained ? nil : state.hold?.deadline)
        }.min()
    }

    /// Lets time pass: servers that have recovered come up, servers that were drained long enough go.
    ///
    /// - Returns: What follows.
    public mutating func advance(to now: SuspendingClock.Instant) -> [Transition] {
        var transitions: [Transition] = []
        for (id, state) in states.sorted(by: {
            ($0.value.since, "\($0.key.destination)") < ($1.value.since, "\($1.key.destination)")
        }) {
            if let until = state.warmUntil, until <= now {
                transitions.append(bringUp(id, at: now))
                transitions += settle(id.service, at: now)
            } else if !state.isDrained, let deadline = state.hold?.deadline, deadline <= now {
                states[id]?.isDrained = true
                transitions.append(Transition(kind: .drained, server: id, reason: state.reason))
            }
        }
        return transitions
    }

    /// What a check's outcome means for one server.
    mutating func judge(_ outcome: CheckOutcome, _ id: ServerID, at now: SuspendingClock.Instant) -> Transition.Kind? {
        guard var state = states[id], let virtual = virtuals[id.service] else {
            return nil
        }
        defer { states[id] = state }
        switch outcome {
        case .up: return judgeSuccess(&state, virtual, at: now)
        case .down(let reason): return judgeFailure(reason, &state, virtual, at: now)
        }
    }

    private func judgeSuccess(
        _ state: inout ServerState,
        _ virtual: VirtualServer,
        at now: SuspendingClock.Instant
    ) -> Transition.Kind? {
        let failures = state.failures
        state.failures = 0
        state.retainedSince = nil
        guard !state.isUp else {
            return failures > 0 ? .reset(after: failures) : nil
        }
        guard state.hold == nil, state.warmUntil == nil else {
            return nil
        }
        state.successes += 1
        let settings = virtual.lifeCycle
        if state.hasFailed {
            guard state.successes >= settings.riseCount else {
                return .rising(state.successes, of: settings.riseCount)
            }
            // Where there is no other server, one that has hardly recovered is better than none.
            if settings.warmup > .zero, hasGoodServer(virtual) {
                state.warmUntil = now + settings.warmup
                state.reason = "recovered, used after \(settings.warmup.components.seconds) s of warm-up"
                return .warmingUp(settings.warmup)
            }
        }
        state.comeUp("ok", at: now)
        return .up
    }

    private func judgeFailure(
        _ reason: String,
        _ state: inout ServerState,
        _ virtual: VirtualServer,
        at now: SuspendingClock.Instant
    ) -> Transition.Kind? {
        state.successes = 0
        state.warmUntil = nil
        state.hasFailed = true
        guard state.isUp else {
            if state.hold == nil {
                state.reason = reason
            }
            return nil
        }
        guard state.retainedSince == nil else {
            return nil
        }
        state.failures += 1
        guard state.failures >= virtual.check.failureCount else {
            return .softFailure(state.failures, of: virtual.check.failureCount)
        }
        guard mayLoseServer(virtual) else {
            state.retainedSince = now
            return .retained(percent: virtual.lifeCycle.depoolThreshold)
        }
        state.goDown(reason, at: now)
        return .down
    }

    /// Follows up on a server that came or went: others may have to take its place, or may go at last.
    mutating func settle(_ key: VirtualServiceKey, at now: SuspendingClock.Instant) -> [Transition] {
        guard let virtual = virtuals[key] else {
            return []
        }
        var transitions: [Transition] = []
        let waiting = servers(of: virtual) { $0.retainedSince }
        for id in waiting where mayLoseServer(virtual) {
            let reason = states[id]?.lastResult?.outcome.description ?? "failed"
            states[id]?.goDown(reason, at: now)
            transitions.append(Transition(kind: .down, server: id, reason: reason))
        }
        if !hasGoodServer(virtual) {
            for id in servers(of: virtual, by: { $0.warmUntil }) {
                transitions.append(bringUp(id, at: now))
            }
        }
        return transitions
    }

    private mutating func bringUp(_ id: ServerID, at now: SuspendingClock.Instant) -> Transition {
        states[id]?.comeUp("ok", at: now)
        return Transition(kind: .up, server: id, reason: "ok")
    }

    /// The servers that have such a point in time, the earliest first.
    private func servers(
        of virtual: VirtualServer,
        by mark: (ServerState) -> SuspendingClock.Instant?
    ) -> [ServerID] {
        virtual.realServers.compactMap { real -> (id: ServerID, mark: SuspendingClock.Instant)? in
            let id = ServerID(virtual.key, real.key)
            return states[id].flatMap(mark).map { (id, $0) }
        }.sorted { $0.mark < $1.mark }.map(\.id)
    }

    /// Whether a server is up that checks have nothing against.
    private func hasGoodServer(_ virtual: VirtualServer) -> Bool {
        virtual.realServers.contains { real in
            guard let state = states[ServerID(virtual.key, real.key)] else {
                return false
            }
            return state.isUp && state.retainedSince == nil
        }
    }

    /// Whether one more server may go without more than the allowed share being out.
    private func mayLoseServer(_ virtual: VirtualServer) -> Bool {
        guard virtual.lifeCycle.depoolThreshold < 100 else {
            return true
        }
        let out = virtual.realServers.count { states[ServerID(virtual.key, $0.key)]?.isUp != true }
        return (out + 1) * 100 <= virtual.realServers.count * virtual.lifeCycle.depoolThreshold
    }
}

extension ServerState {
    mutating func comeUp(_ reason: String, at now: SuspendingClock.Instant) {
        (isUp, since, self.reason) = (true, now, reason)
        (failures, successes, hasFailed, warmUntil, retainedSince) = (0, 0, false, nil, nil)
    }

    mutating func goDown(_ reason: String, at now: SuspendingClock.Instant) {
        (isUp, since, self.reason) = (false, now, reason)
        (failures, successes, warmUntil, retainedSince) = (0, 0, nil, nil)
    }
}
