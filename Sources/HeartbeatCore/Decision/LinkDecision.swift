// SPDX-License-Identifier: Apache-2.0

/// The decision about one designated link: a pure function of what the members said.
///
/// Every node computes the same from the same evidence. It accuses a node only when another node is provably better
/// placed, so it never accuses all of them; when nothing tells two nodes apart, nobody is at fault.
public enum LinkDecision {
    /// Decides for the members whose views are known.
    ///
    /// - Parameters:
    ///   - views: One entry a member that told its view, in any order.
    ///   - silent: Members of the cluster whose daemon does not speak.
    ///   - pingDelta: How many more ping targets must answer elsewhere to accuse a node that is heard (rows 5 and 6).
    ///   - policy: By which rules two members decide; more than two always decide by the table.
    /// - Returns: Who is at fault and why.
    public static func verdict(
        _ views: [LinkEvidence],
        silent: Int = 0,
        pingDelta: Int = 1,
        policy: HeartbeatConfiguration.Policy = .table
    ) -> LinkVerdict {
        let views = views.sorted { $0.node < $1.node }
        guard views.count > 1 else {
            return LinkVerdict(silent > 0 ? .solo : .alone)
        }
        if policy == .ipfail, views.count == 2, silent == 0 {
            return byPings(views[0], views[1], pingDelta)
        }
        let carried = views.filter(\.hasCarrier)
        if carried.isEmpty {
            return LinkVerdict(.linkBoth)
        }
        if carried.count < views.count {
            return LinkVerdict(.carrier, faulty: Set(views.lazy.filter { !$0.hasCarrier }.map(\.node)))
        }
        return views.count == 2
            ? pair(views[0], views[1], pingDelta)
            : many(views, pingDelta)
    }

    /// Rows 1 and 5 to 17: two nodes, both with carrier.
    private static func pair(_ first: LinkEvidence, _ second: LinkEvidence, _ pingDelta: Int) -> LinkVerdict {
        // What nobody can tell is no reason to accuse: unknown counts as heard.
        let firstHears = first.hears[second.node] ?? true
        let secondHears = second.hears[first.node] ?? true
        return switch (firstHears, secondHears) {
        case (true, true): connected([first, second], pingDelta)
        case (false, false): cut(first, second)
        case (false, true): oneWay(deaf: first, mute: second)
        case (true, false): oneWay(deaf: second, mute: first)
        }
    }

    /// Rows 1, 5, 6 and 7: all hear each other, so only the pings can differ.
    private static func connected(_ views: [LinkEvidence], _ pingDelta: Int) -> LinkVerdict {
        guard views.allSatisfy(\.hasPings) else {
            return LinkVerdict(.ok)
        }
        guard views.contains(where: \.reachesTargets) else {
            return LinkVerdict(.pingTargetsDead)
        }
        // With unlike numbers of targets only fractions compare: so many of its own targets are missing as would have to
        // answer if the node were as well placed as the best. With like numbers that is the plain difference.
        guard let best = views.max(by: { $0.pingAlive * $1.pingTotal < $1.pingAlive * $0.pingTotal }) else {
            return LinkVerdict(.ok)
        }
        let faulty = views.filter { view in
            best.pingAlive * view.pingTotal - view.pingAlive * best.pingTotal >= pingDelta * best.pingTotal
        }
        return faulty.isEmpty ? LinkVerdict(.ok) : LinkVerdict(.pingFewer, faulty: Set(faulty.map(\.node)))
    }

    /// The rule of ipfail: whoever reaches fewer ping targets gives up; with as many, nobody.
    private static func byPings(_ first: LinkEvidence, _ second: LinkEvidence, _ pingDelta: Int) -> LinkVerdict {
        if first.hasPings, second.hasPings, !first.reachesTargets, !second.reachesTargets {
            return LinkVerdict(.pingTargetsDead)
        }
        guard abs(first.pingAlive - second.pingAlive) >= pingDelta else {
            return LinkVerdict(.ok)
        }
        let fewer = first.pingAlive < second.pingAlive ? first.node : second.node
        return LinkVerdict(.pingFewer, faulty: [fewer])
    }

    /// Rows 8 to 12: neither hears the other.
    private static func cut(_ first: LinkEvidence, _ second: LinkEvidence) -> LinkVerdict {
        switch (first.reachesTargets, second.reachesTargets) {
        case (true, true):
            return LinkVerdict(.pathBetween)
        case (true, false) where second.hasPings:
            return LinkVerdict(.cutAndPing, faulty: [second.node])
        case (false, true) where first.hasPings:
            return LinkVerdict(.cutAndPing, faulty: [first.node])
        case (false, false) where first.hasPings && second.hasPings:
            return LinkVerdict(.upstreamDead)
        default:
            if first.receives != second.receives {
                return LinkVerdict(.noReception, faulty: [first.receives ? second.node : first.node])
            }
            return LinkVerdict(.cutUndecided)
        }
    }

    /// Rows 13 to 17: `deaf` does not hear `mute`, but `mute` hears `deaf`.
    private static func oneWay(deaf: LinkEvidence, mute: LinkEvidence) -> LinkVerdict {
        switch (deaf.reachesTargets, mute.reachesTargets) {
        case (true, true):
            return LinkVerdict(.oneWayPath)
        case (true, false) where mute.hasPings:
            return LinkVerdict(.sendDead, faulty: [mute.node])
        case (false, true) where deaf.hasPings:
            return LinkVerdict(.receiveDead, faulty: [deaf.node])
        default:
            // `mute` receives (it hears `deaf`), so a silent interface of `deaf` is its own fault.
            return deaf.receives
                ? LinkVerdict(.oneWayUndecided) : LinkVerdict(.receiveDead, faulty: [deaf.node])
        }
    }

    /// Three and more nodes with carrier: who is cut off from a majority that is connected among itself.
    private static func many(_ views: [LinkEvidence], _ pingDelta: Int) -> LinkVerdict {
        let isConnected = { (one: LinkEvidence, other: LinkEvidence) in
            (one.hears[other.node] ?? true) && (other.hears[one.node] ?? true)
        }
        let groups = components(views, isConnected)
        guard let largest = groups.max(by: { $0.count < $1.count }), largest.count * 2 > views.count else {
            return LinkVerdict(.noMajority)
        }
        let faulty = views.filter { view in
            let links = views.count { $0.node != view.node && isConnected(view, $0) }
            return !largest.contains(view.node) && links * 2 < views.count - 1
        }
        guard faulty.isEmpty else {
            return LinkVerdict(.minority, faulty: Set(faulty.map(\.node)))
        }
        return connected(views, pingDelta)
    }

    /// The sets of nodes that are connected directly or through others.
    private static func components(
        _ views: [LinkEvidence],
        _ isConnected: (LinkEvidence, LinkEvidence) -> Bool
    ) -> [Set<NodeID>] {
        var unseen = views
        var groups: [Set<NodeID>] = []
        while let start = unseen.popLast() {
            var group = [start]
            var next = 0
            while next < group.count {
                let here = group[next]
                group += unseen.filter { isConnected(here, $0) }
                unseen.removeAll { isConnected(here, $0) }
                next += 1
            }
            groups.append(Set(group.map(\.node)))
        }
        return groups
    }
}
