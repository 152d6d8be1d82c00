// SPDX-License-Identifier: Apache-2.0

/// What one member says about itself and the others on one link.
public struct LinkEvidence: Equatable, Sendable {
    /// The member.
    public var node: NodeID

    /// Its interface runs and has the link's address.
    public var hasCarrier: Bool

    /// Ping targets on this link; 0 when there are none.
    public var pingTotal: Int

    /// Ping targets that answer.
    public var pingAlive: Int

    /// Frames arrived in the last two seconds.
    public var receives: Bool

    /// The members it hears or does not hear on this link; absent when it cannot tell.
    public var hears: [NodeID: Bool]

    /// Joins the parts.
    public init(
        node: NodeID,
        hasCarrier: Bool = true,
        pingTotal: Int = 0,
        pingAlive: Int = 0,
        receives: Bool = true,
        hears: [NodeID: Bool] = [:]
    ) {
        self.node = node
        self.hasCarrier = hasCarrier
        self.pingTotal = pingTotal
        self.pingAlive = pingAlive
        self.receives = receives
        self.hears = hears
    }

    /// Whether pings tell anything.
    var hasPings: Bool { pingTotal > 0 }

    /// Whether at least one target answers.
    var reachesTargets: Bool { pingAlive > 0 }
}

/// Who is at fault for a designated link, and by which rule.
public struct LinkVerdict: Equatable, Sendable {
    /// The rule.
    public var reason: VerdictReason

    /// The nodes at fault: never all members.
    public var faulty: Set<NodeID>

    /// Joins the parts.
    public init(_ reason: VerdictReason, faulty: Set<NodeID> = []) {
        self.reason = reason
        self.faulty = faulty
    }
}
