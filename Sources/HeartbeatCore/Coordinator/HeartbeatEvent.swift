// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What the threads at the edge tell the coordinator; every time was taken where the thing happened.
public enum HeartbeatEvent: Sendable {
    /// The node list was read, or changed.
    case topology(ClusterTopology)

    /// The process group is joined.
    case joined

    /// Corosync is gone or cannot be reached, and why.
    case corosyncLost(String)

    /// A message of the group, in the order agreed by all.
    case message(sender: NodeID, bytes: [UInt8])

    /// A message of the group that could not be read.
    case rejected(from: NodeID, because: GroupMessage.Malformed)

    /// The nodes whose daemons are in the group.
    case members([NodeID], left: [NodeID], joined: [NodeID])

    /// The nodes of the ring, formed anew.
    case ring([NodeID])

    /// knet's links to a peer: nil for links that are not configured.
    case knet(peer: NodeID, links: [UInt8: KnetLink])

    /// Corosync did not answer about knet's links.
    case knetUnknown

    /// Our own ends of the links.
    case localLinks([LocalLink])

    /// An authentic new probe, and how long it has waited for us after its way.
    case probe(ProbeDatagram, roundTrip: Duration?, waited: Duration = .zero)

    /// A ping target answered, and the way there and back when it is known.
    case pingReply(link: UInt8, target: IPAddress, by: PingAnswer = .echo, roundTrip: Duration? = nil)

    /// The targets that are pinged on a link now, and whether that is the default gateway because none are configured.
    case pingTargets(link: UInt8, targets: [IPAddress], isGateway: Bool = false)

    /// A thread that keeps time came late by so much.
    case late(Duration)

    /// Whether the threads that keep time have real-time priority and locked memory.
    case scheduling(isRealTime: Bool, isLocked: Bool)

    /// An attribute was given to Pacemaker, or why not.
    case attribute(NodeAttribute, failure: String?)

    /// Attributes that the cluster's status has, or lacks although they were given, and how long that took.
    case attributesArrived([NodeAttribute], missing: [NodeAttribute], took: Duration)

    /// Pacemaker's daemons are others than before: some were started, or some have only gone.
    case pacemakerChanged(isStarted: Bool)

    /// Corosync's values, when they have changed.
    case corosyncSettings(CorosyncSettings)
}

/// What the coordinator wants done.
public enum HeartbeatEffect: Equatable, Sendable {
    /// Tell the group.
    case multicast(GroupMessage.Kind, [UInt8])

    /// Have exactly these node attributes; the order is the order of importance.
    case publish([NodeAttribute], again: Bool)

    /// Say this in the probes from now on.
    case probes(ProbeContent)

    /// Ask for knet's links more often, or as seldom as when all is well.
    case watchKnet(closely: Bool)

    /// Write a line to the log.
    case log(LogLevel, String)
}

/// A node attribute of Pacemaker.
public struct NodeAttribute: Equatable, Sendable {
    /// The attribute's name.
    public var name: String

    /// Its value; nil to delete it.
    public var value: String?

    /// The node it belongs to, when that is not ours.
    public var node: String?

    /// Whether it is kept out of Pacemaker's configuration and status (attrd_updater(8), `--private`): a change of it
    /// wakes nobody.
    public var isPrivate: Bool

    /// Joins the parts.
    public init(name: String, value: String?, node: String? = nil, isPrivate: Bool = false) {
        self.name = name
        self.value = value
        self.node = node
        self.isPrivate = isPrivate
    }

    /// Whether it is the word for the state of a heartbeat that ends.
    var isTheLast: Bool { name == "hb-state" && node == nil && (value == nil || value == "stopped") }

    /// What tells it from all others, for people: `NODE/NAME`, or the name alone for one of our own.
    var key: String { (node.map { "\($0)/" } ?? "") + name }
}

/// What our probes say besides their own numbers.
public struct ProbeContent: Equatable, Sendable {
    /// Per peer: the run that we know, and a bit per link on which we hear it.
    public var peers: [NodeID: Peer] = [:]

    /// Bit per link: a ping target answers.
    public var pings: UInt8 = 0

    /// Bit per link: carrier and address.
    public var carriers: UInt8 = 0

    /// Our state.
    public var flags: UInt8 = 0

    /// What is said to one peer.
    public struct Peer: Equatable, Sendable {
        /// The peer's run; 0 when we do not know it.
        public var incarnation: UInt64 = 0

        /// Bit per link on which we hear it.
        public var hears: UInt8 = 0

        /// Bit per link that loses probes: more of them tell sooner and more surely how many.
        public var lossy: UInt8 = 0

        /// Nothing known.
        public init() {}
    }

    /// Nothing known.
    public init() {}
}

/// How important a line of the log is.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case debug
    case info
    case notice
    case warning
    case error

    /// Less important first.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
