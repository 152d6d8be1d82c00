// SPDX-License-Identifier: Apache-2.0

extension LinkDecision {
    /// Row 18: the peer is a member, but its daemon does not speak; only what we know of ourselves counts.
    ///
    /// - Parameters:
    ///   - own: Our evidence.
    ///   - pingsDeadFor: How long all our ping targets, which answered before, have been dead; nil when they answer.
    ///   - confirm: How long they must be dead to accuse ourselves.
    /// - Returns: A verdict that accuses nobody but ourselves.
    public static func solo(_ own: LinkEvidence, pingsDeadFor: Duration?, confirm: Duration) -> LinkVerdict {
        if !own.hasCarrier {
            return LinkVerdict(.carrier, faulty: [own.node])
        }
        if let pingsDeadFor, pingsDeadFor >= confirm {
            return LinkVerdict(.solo, faulty: [own.node])
        }
        return LinkVerdict(.solo)
    }

    /// What a verdict means for one node.
    ///
    /// - Parameters:
    ///   - own: That node's evidence.
    ///   - verdict: The verdict.
    /// - Returns: Whether it is healthy; nil when the verdict neither accuses it nor proves anything, so that what was
    ///   published before stays.
    public static func health(of own: LinkEvidence, _ verdict: LinkVerdict) -> Bool? {
        guard verdict.faulty.isEmpty else {
            return !verdict.faulty.contains(own.node)
        }
        switch verdict.reason {
        case .ok, .pathBetween, .oneWayPath, .pingTargetsDead: return true
        case .alone: return own.hasCarrier && (!own.hasPings || own.reachesTargets) ? true : nil
        default: return own.hasCarrier && own.reachesTargets ? true : nil
        }
    }
}
