// SPDX-License-Identifier: Apache-2.0

/// Keeps one file the same on all directors: takes what others send, sends what is edited here, overwrites no edit.
///
/// A value without I/O: events in, effects out. All directors see all messages in one order (Corosync's), and every one
/// decides for itself by the same rules.
public struct FileMachine: Sendable {
    /// What one of the other directors has said last.
    public struct Peer: Hashable, Sendable {
        /// Its state.
        public var announcement: Announcement
    }

    /// Who waits for an answer.
    struct Waiter: Hashable, Sendable {
        enum Kind: Hashable, Sendable {
            case publish
            case take(NodeID)
        }

        let token: UInt64
        let kind: Kind
        let since: Moment
    }

    /// A version that has arrived and is to replace the file.
    struct Received: Hashable, Sendable {
        let head: Head
        let bytes: [UInt8]
        let mode: UInt16
    }

    /// What is being sent, and how far.
    struct Outgoing: Hashable, Sendable {
        let transfer: UInt64
        let version: VersionID
        var next = 0
        var inFlight = 0
    }

    /// Why an offered version is not taken.
    public struct Refusal: Hashable, Sendable {
        /// The version.
        public let version: VersionID
        /// Why.
        public let reason: String
        let retryAt: Moment
    }

    /// How long a caller waits for the others, less than ldirectord gives a callback.
    static let patience = Moment.seconds(25)
    /// How long a member may say nothing about a file before it is taken as one that does not keep it.
    static let silence = Moment.seconds(5)
    /// How long a transfer may stand still.
    static let stall = Moment.seconds(3)
    /// How often the file is looked at unasked.
    static let inspectionInterval = Moment.seconds(30)
    static let diskRetry = Moment.seconds(15)
    static let parserRetry = Moment.seconds(60)
    /// Parts that are under way at once; the next one waits until one has come back.
    static let window = 8

    /// The file.
    public let path: String
    /// Our node; nil until we were in the group once.
    public internal(set) var node: NodeID?
    /// Our name.
    public internal(set) var name = "this director"
    /// What we have.
    public internal(set) var holding = Holding()
    /// Why the file cannot be read or sent.
    public internal(set) var problem: String?
    /// What the parser has against the file.
    public internal(set) var errors: [String] = []
    /// Why the version is not remembered.
    public internal(set) var saveProblem: String?
    /// Why ldirectord does not use the file.
    public internal(set) var reloadProblem: String?
    /// Why an offered version is not taken.
    public internal(set) var refusal: Refusal?
    /// Why the cluster is out of reach; nil when we are in the group.
    public internal(set) var separation: String? = "connecting to corosync"
    /// The members of the group besides us.
    public internal(set) var members: Set<NodeID> = []
    /// What they have said.
    public internal(set) var peers: [NodeID: Peer] = [:]

    var bytes: [UInt8] = []
    var mode: UInt16 = 0o644
    var noted: Head?
    var job: FileJob?
    var isInspected = false
    var wantsInspection = true
    var isSettled = true
    var isTrusted = false
    var inspectAt = Moment.zero
    var saveAt = Moment.zero
    var reloadAt = Moment.zero
    var settlement: [NodeID: ContentDigest]?
    var wanted: Head?
    var wantedUntil = Moment.zero
    var attempts = 0
    var assembly: Assembly?
    var progressAt = Moment.zero
    var received: Received?
    var outgoing: Outgoing?
    var lastTransfer: UInt64
    var announced: Announcement?
    var waiters: [Waiter] = []
    var silentUntil = Moment.zero
    var said: Set<String> = []
    var effects: [FileEffect] = []

    /// Starts with what is remembered.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - saved: What was remembered about it; nil when nothing.
    ///   - firstTransfer: A random number, so that transfers of two starts are not mistaken for each other.
    public init(path: String, saved: SavedState?, firstTransfer: UInt64) {
        self.path = path
        lastTransfer = firstTransfer
        holding.head = saved?.head
        noted = saved?.incoming
    }

    /// Takes note of an event.
    ///
    /// - Returns: What is to be done, in this order.
    public mutating func handle(_ event: FileEvent, at now: Moment) -> [FileEffect] {
        effects = []
        switch event {
        case .joined(let node, let name): join(node, name, now)
        case .members(let members, let joined): follow(members, joined, now)
        case .lost(let reason): separate(reason)
        case .message(let message): take(message, now)
        case .done(let result): finish(result, now)
        case .publish(let token):
            waiters.append(Waiter(token: token, kind: .publish, since: now))
            wantsInspection = true
            isTrusted = true
        case .take(let token, let node): order(token, node, now)
        case .tick: break
        }
        advance(now)
        announce()
        watchConflicts()
        answerWaiters(now)
        return effects
    }

    /// What we tell the others.
    public var announcement: Announcement {
        Announcement(
            path: path,
            name: name,
            holding: holding,
            problem: problem ?? (errors.isEmpty ? saveProblem ?? "" : errors.joined(separator: "\n")),
            refused: refusal?.version,
            refusal: refusal?.reason ?? "",
            reload: reloadProblem ?? ""
        )
    }

    /// A director's name.
    public func name(of node: NodeID) -> String {
        node == self.node ? name : peers[node]?.announcement.name ?? "node \(node)"
    }

    func isOurs(_ sender: NodeID) -> Bool { sender == node }

    mutating func log(_ severity: Severity, _ text: String) { effects.append(.log(severity, "\(path): \(text)")) }

    private mutating func join(_ node: NodeID, _ name: String, _ now: Moment) {
        self.node = node
        self.name = name
        separation = nil
        peers = [:]
        members = []
        announced = nil
        silentUntil = now + Self.silence
        wantsInspection = true
        dropTransfers()
    }

    private mutating func separate(_ reason: String) {
        separation = reason
        members = []
        peers = [:]
        dropTransfers()
    }

    private mutating func dropTransfers() {
        outgoing = nil
        assembly = nil
        wanted = nil
        settlement = nil
    }

    private mutating func follow(_ members: Set<NodeID>, _ joined: Set<NodeID>, _ now: Moment) {
        self.members = members.filter { $0 != node }
        peers = peers.filter { members.contains($0.key) }
        for one in joined {
            // Another start of it: what it said before is void.
            if one != node {
                peers[one] = nil
                silentUntil = now + Self.silence
            }
        }
        if let assembly, !members.contains(assembly.sender) || joined.contains(assembly.sender) {
            self.assembly = nil
            wantedUntil = now
        }
        if !joined.isEmpty {
            announced = nil
        }
    }

    private mutating func announce() {
        // Before the first look at the disk there is nothing to tell.
        guard separation == nil, isInspected, announced != announcement else {
            return
        }
        announced = announcement
        effects.append(.send(.state(announcement)))
    }
}
