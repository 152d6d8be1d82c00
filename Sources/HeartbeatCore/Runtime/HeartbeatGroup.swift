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
    private let events: EventMailbox
    private let priority: Int?
    private var node: NodeID?

    /// What was said last by each member since the last change of the members.
    private var views: [NodeID: GroupMessage] = [:]

    /// - Parameters:
    ///   - events: Where it tells.
    ///   - priority: Of its thread.
    init(events: EventMailbox, priority: Int?) {
        self.events = events
        self.priority = priority
    }

    func begin() {
        // The status tells of the network thread, for which the same holds.
        _ = RealTime.raiseThread(priority)
    }

    mutating func joined(as node: NodeID) {
        self.node = node
        events.post(.joined)
    }

    mutating func take(_ event: ProcessGroup.Event) {
        switch event {
        case .message(let sender, let bytes):
            take(bytes, from: sender.node)
        case .members(let members, let left, let joined):
            views = [:]
            // A node from which one process went and another stays is still there.
            let gone = left.map(\.node).filter { node in !members.contains { $0.node == node } }
            events.post(.members(members.map(\.node), left: gone, joined: joined.map(\.node)))
        case .ring(let nodes):
            views = [:]
            events.post(.ring(nodes))
        }
    }

    private mutating func take(_ bytes: [UInt8], from sender: NodeID) {
        do throws(GroupMessage.Malformed) {
            let message = try GroupMessage(decoding: bytes)
            let event = HeartbeatEvent.message(sender: sender, bytes: bytes)
            // Most messages say what the one before said; they are counted with the next look at the clock.
            if sender != node, isNews(message, from: sender) {
                events.post(event)
            } else {
                events.postQuietly(event)
            }
        } catch {
            // Neither kept nor a reason to wake anybody: there may be thousands a second.
            events.postQuietly(.rejected(from: sender, because: error))
        }
    }

    /// Whether somebody says something that he has not said before.
    private mutating func isNews(_ message: GroupMessage, from sender: NodeID) -> Bool {
        guard message.kind == .view else {
            return true
        }
        let last = views.updateValue(message, forKey: sender)
        return last.map {
            !$0.saysTheSame(as: message) || $0.incarnation != message.incarnation
                || $0.configurationHash != message.configurationHash
        } ?? true
    }

    func lost(_ error: CorosyncError) { events.post(.corosyncLost(error.description)) }
}
