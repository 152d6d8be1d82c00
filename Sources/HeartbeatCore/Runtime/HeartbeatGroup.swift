// SPDX-License-Identifier: Apache-2.0
import Corosync
import LinuxKit

/// The group of all heartbeats; of each kind of message only the newest is kept while the group cannot take any.
typealias HeartbeatGroup = GroupMember<NewestMessages<GroupMessage.Kind>>

extension GroupConduct {
    static let heartbeat = GroupConduct(group: "vervet-heartbeat-1", thread: "hb-group")
}

/// Tells the coordinator what comes from the group.
struct HeartbeatGroupHandler: GroupHandler {
    let events: EventMailbox

    func begin() {
        // The status tells of the network thread, for which the same holds.
        _ = RealTime.raiseThread()
    }

    func joined(as node: NodeID) { events.post(.joined) }

    func take(_ event: ProcessGroup.Event) {
        switch event {
        case .message(let sender, let bytes): events.post(.message(sender: sender.node, bytes: bytes))
        case .members(let members, let left, let joined):
            // A node from which one process went and another stays is still there.
            let gone = left.map(\.node).filter { node in !members.contains { $0.node == node } }
            events.post(.members(members.map(\.node), left: gone, joined: joined.map(\.node)))
        case .ring(let nodes): events.post(.ring(nodes))
        }
    }

    func lost(_ error: CorosyncError) { events.post(.corosyncLost(error.description)) }
}
