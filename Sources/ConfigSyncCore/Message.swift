// SPDX-License-Identifier: Apache-2.0

/// What a director tells all others about one file.
public struct Announcement: Hashable, Sendable {
    /// Longest path in bytes.
    public static let pathLimit = 255

    /// Longest text in bytes; what is longer is cut.
    public static let textLimit = 1000

    /// The file.
    public var path: String

    /// The sender's name.
    public var name: String

    /// What it has.
    public var holding: Holding

    /// Why what is on its disk is not shared, or why it cannot take part; empty when all is well.
    public var problem: String

    /// The version that it does not take although it could; nil when there is none.
    public var refused: VersionID?

    /// Why it does not.
    public var refusal: String

    /// Why its ldirectord does not use the file that is on the disk; empty when it does, or none runs.
    public var reload: String

    /// Describes a director's state.
    public init(
        path: String,
        name: String,
        holding: Holding,
        problem: String = "",
        refused: VersionID? = nil,
        refusal: String = "",
        reload: String = ""
    ) {
        self.path = path
        self.name = name
        self.holding = holding
        self.problem = problem
        self.refused = refused
        self.refusal = refusal
        self.reload = reload
    }
}

/// What directors say to each other; all of it goes to all of them, in the same order.
public enum MessageBody: Hashable, Sendable {
    /// The sender's state, told when it changes and to who has just come.
    case state(Announcement)

    /// Asks `from` to send a version to all who want it.
    case fetch(path: String, from: NodeID, version: VersionID)

    /// A version's content follows in parts.
    case begin(path: String, transfer: UInt64, version: VersionID, size: UInt32, mode: UInt16)

    /// A run of the content.
    case part(transfer: UInt64, offset: UInt32, bytes: [UInt8])

    /// An operator decided that the content of `node` replaces all others.
    case take(path: String, node: NodeID, seen: [NodeID: ContentDigest])
}

/// One message as it travels.
public struct Message: Hashable, Sendable {
    /// The sender's node.
    public var node: NodeID

    /// Random, another one for every start of the sender.
    public var incarnation: UInt64

    /// What it says.
    public var body: MessageBody

    /// Puts a message together.
    public init(node: NodeID, incarnation: UInt64, body: MessageBody) {
        self.node = node
        self.incarnation = incarnation
        self.body = body
    }
}
