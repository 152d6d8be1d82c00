// SPDX-License-Identifier: Apache-2.0

/// What an operator wants of one server, by the control socket or by a maintenance file.
public struct StandingOrder: Sendable, Hashable {
    /// What is wanted.
    public enum Wish: Sendable, Hashable {
        /// Out of service by the rules for servers that are down.
        case out
        /// No new connections, also where down servers are deleted; after the limit it leaves the table. Nil is no limit.
        case drain(limit: Duration?)
        /// In service with this weight instead of the configured one.
        case weight(Int)
    }

    /// What is wanted.
    public var wish: Wish

    /// Why, for an operator.
    public var reason: String

    /// Since when, on the monotonic clock.
    public var since: SuspendingClock.Instant

    /// Describes an order.
    public init(_ wish: Wish, reason: String, since: SuspendingClock.Instant) {
        self.wish = wish
        self.reason = reason
        self.since = since
    }

    /// Whether the server is not to be used.
    public var takesOut: Bool {
        if case .weight = wish { false } else { true }
    }

    /// Whether open connections shall be able to end, which takes an entry with weight 0.
    var isDrain: Bool {
        if case .drain = wish { true } else { false }
    }

    /// When the server leaves the table; nil when it stays there, or is not drained.
    var deadline: SuspendingClock.Instant? {
        if case .drain(let limit?) = wish { since + limit } else { nil }
    }
}
