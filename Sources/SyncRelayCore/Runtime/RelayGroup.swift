// SPDX-License-Identifier: Apache-2.0
import Corosync
import LinuxKit

/// The group of all relays.
typealias RelayGroup = GroupMember<RelayQueue>

extension GroupConduct {
    static func relay(_ group: String) -> GroupConduct {
        GroupConduct(group: group, thread: "relay-group", retry: .milliseconds(1) ... .milliseconds(10), burst: 16)
    }
}

/// Tells the relay what comes from the group.
struct RelayGroupHandler: GroupHandler {
    private let events: Mailbox<RelayEvent>
    private var node: UInt32 = 0

    init(_ events: Mailbox<RelayEvent>) {
        self.events = events
    }

    func connect() throws(CorosyncError) {
        events.post(.topology(try RelayTopologyReader.read()))
    }

    mutating func joined(as node: UInt32) {
        self.node = node
        events.post(.joined(node))
    }

    func take(_ event: ProcessGroup.Event) {
        switch event {
        case .message(let sender, let bytes) where sender.node == node:
            // Only how long it took is of interest.
            if let sequence = RelayEnvelope.sequenceOfData(bytes) {
                events.post(.delivered(sequence))
            }
        case .message(let sender, let bytes): events.post(.message(sender: sender.node, bytes: bytes))
        case .members(let members, let left, let joined):
            // A relay that was away and is back in one breath is a new one.
            let again = joined.map(\.node).filter { node in left.contains { $0.node == node } }
            if !again.isEmpty {
                events.post(.members(members.map(\.node).filter { !again.contains($0) }))
            }
            events.post(.members(members.map(\.node)))
        case .ring: break
        }
    }

    func lost(_ error: CorosyncError) { events.post(.separated(error.description)) }
}
