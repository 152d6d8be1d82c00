// SPDX-License-Identifier: Apache-2.0
public import HealthChecks

/// What is known about one real server in one virtual service.
public struct ServerState: Sendable, Equatable {
    /// Whether it counts as up: then it has its weight in the table.
    public var isUp: Bool

    /// Since when, on the monotonic clock.
    public var since: SuspendingClock.Instant

    /// Why it is in this state, for an operator.
    public var reason: String

    /// Failed checks in a row while it still counts as up.
    public var failures = 0

    /// Successful checks in a row while it does not count as up.
    public var successes = 0

    /// Whether a check failed since it last came up, so that it has to recover (`risecount`, `warmup`).
    public var hasFailed = false

    /// Until when it recovers; nil when it does not.
    public var warmUntil: SuspendingClock.Instant?

    /// Since when it should be down but stays in use, as too many others are out (`depoolthreshold`).
    public var retainedSince: SuspendingClock.Instant?

    /// What a maintenance file wants.
    public var fileOrder: StandingOrder?

    /// What the operator wants, by the control socket.
    public var operatorOrder: StandingOrder?

    /// Whether it was drained for as long as was allowed, and has left the table.
    public var isDrained = false

    /// The weight that its check gave it (`dynamicweight`); nil when it gave none.
    public var checkWeight: Int?

    /// The result of the last check; nil before the first.
    public var lastResult: CheckResult?

    /// When the last check ended.
    public var lastCheck: SuspendingClock.Instant?

    /// How it is checked.
    public var policy: CheckPolicy

    init(isUp: Bool, since: SuspendingClock.Instant, reason: String, policy: CheckPolicy) {
        self.isUp = isUp
        self.since = since
        self.reason = reason
        self.policy = policy
    }

    /// The order that keeps it out; nil when nobody does.
    public var hold: StandingOrder? {
        if let operatorOrder, operatorOrder.takesOut {
            return operatorOrder
        }
        return fileOrder?.takesOut == true ? fileOrder : nil
    }

    /// The weight that an operator wants instead of the configured one.
    public var weightOverride: Int? {
        for order in [operatorOrder, fileOrder] {
            if case .weight(let weight)? = order?.wish {
                return weight
            }
        }
        return nil
    }
}
