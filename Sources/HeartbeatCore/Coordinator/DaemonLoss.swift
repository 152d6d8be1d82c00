// SPDX-License-Identifier: Apache-2.0

/// Members of the ring whose heartbeat has left the group: those that ended without saying so are lost after a while.
struct DaemonLoss: Equatable, Sendable {
    private var leavers: Set<NodeID> = []
    private var goneSince: [NodeID: MonotonicTime] = [:]

    /// It ends in good order, and has said so in its own attributes.
    mutating func saidGoodbye(_ node: NodeID) { leavers.insert(node) }

    /// It is not in the group any more.
    mutating func left(_ node: NodeID, at now: MonotonicTime) {
        if leavers.remove(node) == nil {
            goneSince[node] = now
        }
    }

    /// It is in the group again, and speaks for itself.
    mutating func joined(_ node: NodeID) {
        leavers.remove(node)
        goneSince[node] = nil
    }

    /// Nodes outside of the ring are dead or cut off: that is the cluster's matter, and Pacemaker forgets their attributes.
    mutating func keep(_ ring: Set<NodeID>) {
        goneSince = goneSince.filter { ring.contains($0.key) }
    }

    /// The nodes whose heartbeat has been gone for longer than `grace`, in order.
    func lost(at now: MonotonicTime, grace: Duration) -> [NodeID] {
        goneSince.filter { now - $0.value >= grace }.keys.sorted()
    }
}
