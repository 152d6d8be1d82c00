// SPDX-License-Identifier: Apache-2.0
import ConfigSyncCore
import Corosync
import Glibc
import LinuxKit

/// The group of all daemons; messages keep their order.
typealias DirectorGroup = GroupMember<OrderedMessages>

extension GroupConduct {
    static let directors = GroupConduct(group: "vervet-config-1", thread: "cs-group")
}

/// What the group tells the daemon.
enum GroupEvent: Sendable {
    /// We are a member.
    case joined(node: NodeID, name: String)
    /// Who is, and who has just come.
    case members(Set<NodeID>, joined: Set<NodeID>)
    /// A member's bytes.
    case message(sender: NodeID, bytes: [UInt8])
    /// The connection to Corosync failed.
    case lost(String)
}

/// Tells the daemon what comes from the group.
struct DirectorGroupHandler: GroupHandler {
    private let events: Mailbox<GroupEvent>
    private var name = ""
    private var isNew = false

    init(_ events: Mailbox<GroupEvent>) {
        self.events = events
    }

    mutating func connect() throws(CorosyncError) {
        name = try Self.name(of: try ConfigurationMap())
    }

    mutating func joined(as node: NodeID) {
        isNew = true
        events.post(.joined(node: node, name: name))
    }

    mutating func take(_ event: ProcessGroup.Event) {
        switch event {
        case .message(let sender, let bytes): events.post(.message(sender: sender.node, bytes: bytes))
        case .members(let members, _, let joined):
            // To a new member all others are new, too.
            events.post(.members(Set(members.map(\.node)), joined: Set((isNew ? members : joined).map(\.node))))
            isNew = false
        case .ring: break
        }
    }

    func lost(_ error: CorosyncError) { events.post(.lost(error.description)) }

    /// Our name in Corosync's node list, else the machine's.
    private static func name(of map: borrowing ConfigurationMap) throws(CorosyncError) -> String {
        if let position = try map.number("nodelist.local_node_pos"),
            let name = try map.text("nodelist.node.\(position).name")
        {
            return name
        }
        var buffer = [CChar](repeating: 0, count: 256)
        return gethostname(&buffer, buffer.count - 1) == 0 ? String(nulTerminated: buffer) : "unnamed"
    }
}
