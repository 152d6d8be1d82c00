// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What the relay's threads tell the main one.
enum RelayEvent: Sendable {
    /// We are a member, as this node.
    case joined(UInt32)
    /// The members' nodes.
    case members([UInt32])
    /// An envelope of ours with data came back through the group.
    case delivered(UInt64)
    /// An envelope of another member.
    case message(sender: UInt32, bytes: [UInt8])
    /// The group is lost.
    case separated(String)
    /// The directors' addresses by node, one for each link.
    case topology(RelayTopology)
    /// The connections in the table.
    case counted(local: UInt32, total: UInt32)
    /// The connections that were opened here.
    case localKeys(Set<ConnectionKey>)
    /// A part of what was read of the table.
    case learned([ConnectionMemory.Reading])
    /// A snapshot is sent.
    case snapshotSent(records: UInt32, skipped: UInt32, isRemembered: Bool)
    /// A line for the log.
    case log(RelayLogLevel, String)
}

/// The addresses of the directors.
struct RelayTopology: Sendable, Equatable {
    /// Our node.
    var local: UInt32
    /// Addresses by node and link.
    var addresses: [UInt32: [UInt8: IPAddress]]
}
