// SPDX-License-Identifier: Apache-2.0
public import HealthChecks

/// What is known about one real server in one virtual service.
public struct ServerState: Sendable, Equatable {
    /// Whether it counts as up.
    public var isUp: Bool

    /// Since when, on the monotonic clock.
    public var since: SuspendingClock.Instant

    /// Why it is in this state, for an operator.
    public var reason: String

    /// Failed checks in a row while it still counts as up.
    public var failures = 0

    /// The result of the last check; nil before the first.
    public var lastResult: CheckResult?

    /// When the last check ended.
    public var lastCheck: SuspendingClock.Instant?

    /// How it is checked.
    public var policy: CheckPolicy
}

/// A server came up or went down.
public struct Transition: Sendable, Equatable {
    /// What was decided on one check.
    public enum Kind: Sendable, Equatable {
        /// It counts as up from now on.
        case up
        /// It counts as down from now on.
        case down
        /// It failed, but not often enough: the n-th of m.
        case softFailure(Int, of: Int)
        /// It answers again after so many soft failures.
        case reset(after: Int)
    }

    /// What was decided.
    public var kind: Kind

    /// The real server.
    public var server: ServerID

    /// Why.
    public var reason: String
}
