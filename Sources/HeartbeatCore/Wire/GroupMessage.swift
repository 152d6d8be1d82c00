// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Corosync's number of a node.
public typealias NodeID = UInt32

/// What the daemons tell each other through the process group: who speaks, and how it sees every link.
public struct GroupMessage: Equatable, Sendable {
    /// Why the message was sent.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// First message after joining: "answer with your views".
        case hello = 1
        /// The sender's present view.
        case view = 2
        /// What the sender computed, for comparison only.
        case verdict = 3
        /// An operator's order.
        case admin = 4
        /// The sender ends in good order.
        case bye = 5
    }

    /// State of the sender that decides what its view is worth.
    public struct Flags: OptionSet, Equatable, Sendable {
        /// The bits as on the wire.
        public let rawValue: UInt32

        /// Flags from the wire; unknown bits are kept.
        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// Just started: it has no verdicts yet.
        public static let starting = Flags(rawValue: 1)
        /// About to end.
        public static let stopping = Flags(rawValue: 2)
        /// It was away (frozen, overloaded): its view of others is worth nothing now.
        public static let selfLate = Flags(rawValue: 4)
        /// Publication is frozen by an operator.
        public static let maintenance = Flags(rawValue: 8)
        /// It sends no probes.
        public static let probesOff = Flags(rawValue: 16)
    }

    /// Why the message was sent.
    public var kind: Kind

    /// The sender; must equal the sender that Corosync names.
    public var node: NodeID

    /// State of the sender.
    public var flags: Flags

    /// Random number of this run of the sender.
    public var incarnation: UInt64

    /// Counts the messages of an incarnation from 1.
    public var sequence: UInt64

    /// The sender's monotonic clock in nanoseconds; comparable with other values of the same sender only.
    public var sentAt: Int64

    /// Hash of the sender's configuration of links and policy.
    public var configurationHash: UInt64

    /// Hash of the policy alone: of the configurations of two nodes it tells whether the links or the policy differ; nil
    /// when not told.
    public var policyDigest: UInt64?

    /// Name of the sender's node; empty when not told.
    public var nodeName = ""

    /// The sender's own ends of the links.
    public var localLinks: [LocalLinkRecord] = []

    /// The links to each peer as the sender sees them.
    public var peerLinks: [PeerLinkRecord] = []

    /// The ping targets of each link.
    public var pings: [PingRecord] = []

    /// What the sender concluded for each designated link.
    public var verdicts: [VerdictRecord] = []

    /// Text for people; empty when there is none.
    public var reason = ""

    /// The sender's version; empty when not told.
    public var softwareVersion = ""

    /// A message without records.
    public init(
        kind: Kind,
        node: NodeID,
        flags: Flags,
        incarnation: UInt64,
        sequence: UInt64,
        sentAt: Int64,
        configurationHash: UInt64
    ) {
        self.kind = kind
        self.node = node
        self.flags = flags
        self.incarnation = incarnation
        self.sequence = sequence
        self.sentAt = sentAt
        self.configurationHash = configurationHash
    }
}

/// One's own end of a link.
public struct LocalLinkRecord: Equatable, Sendable {
    /// Corosync's number of the link.
    public var link: UInt8

    /// The interface runs (carrier).
    public var hasCarrier: Bool

    /// The link's address is on an interface.
    public var hasAddress: Bool

    /// Frames arrived in the last two seconds.
    public var receives: Bool

    /// The interface's speed in Mbit/s; 0 when it has none or it is not told.
    public var speed: UInt32 = 0

    /// Frames received between the sender's last two looks at the interface.
    public var receivedDelta: UInt32 = 0

    /// The interface's name; empty when not told.
    public var interface = ""

    /// Joins the parts.
    public init(link: UInt8, hasCarrier: Bool, hasAddress: Bool, receives: Bool) {
        self.link = link
        self.hasCarrier = hasCarrier
        self.hasAddress = hasAddress
        self.receives = receives
    }
}

/// A link to a peer as one node sees it.
public struct PeerLinkRecord: Equatable, Sendable {
    /// The peer.
    public var peer: NodeID

    /// Corosync's number of the link.
    public var link: UInt8

    /// State of the direction from the peer to the sender.
    public var state: LinkState

    /// Whether the sender hears the peer.
    public var hears: Tristate

    /// Whether the peer hears the sender.
    public var isHeard: Tristate

    /// Which evidence spoke: bit 0 carrier, 1 probes, 2 knet, 3 pings.
    public var sources: UInt8 = 0

    /// Downs in the last minute.
    public var flaps: UInt8 = 0

    /// Lost probes per thousand over ten seconds.
    public var lossPermille: UInt16 = 0

    /// Round trip time in microseconds; 0 when unknown.
    public var roundTripMicroseconds: UInt32 = 0

    /// Milliseconds since the last probe.
    public var probeAgeMilliseconds: UInt32 = 0

    /// Milliseconds since the last change of state.
    public var stateAgeMilliseconds: UInt32 = 0

    /// Probes missed in all.
    public var missingTotal: UInt32 = 0

    /// Variation of the arrival interval in microseconds.
    public var jitterMicroseconds: UInt32 = 0

    /// Whether knet has the link enabled; unknown without an answer of Corosync.
    public var knetEnabled: Tristate = .unknown

    /// Whether knet has the link connected; unknown without an answer of Corosync.
    public var knetConnected: Tristate = .unknown

    /// A record without measurements.
    public init(peer: NodeID, link: UInt8, state: LinkState, hears: Tristate, isHeard: Tristate) {
        self.peer = peer
        self.link = link
        self.state = state
        self.hears = hears
        self.isHeard = isHeard
    }
}

/// How many of a link's ping targets answer.
public struct PingRecord: Equatable, Sendable {
    /// Whence the targets are known.
    public enum Kind: UInt8, Sendable {
        /// Not told, or there are none.
        case unknown = 0
        /// The configuration names them.
        case configured = 1
        /// It is the interface's default gateway.
        case gateway = 2
    }

    /// One that is pinged.
    public struct Target: Equatable, Sendable {
        /// Its address.
        public var address: IPAddress

        /// It answers.
        public var isAlive: Bool

        /// The way there and back of the last echo in microseconds; 0 when unknown, as of an answer by ARP.
        public var roundTripMicroseconds: UInt32

        /// Milliseconds since its last answer; the greatest number when it never answered.
        public var ageMilliseconds: UInt32

        /// Joins the parts.
        public init(address: IPAddress, isAlive: Bool, roundTripMicroseconds: UInt32, ageMilliseconds: UInt32) {
            self.address = address
            self.isAlive = isAlive
            self.roundTripMicroseconds = roundTripMicroseconds
            self.ageMilliseconds = ageMilliseconds
        }
    }

    /// Corosync's number of the link.
    public var link: UInt8

    /// Targets.
    public var total: UInt8

    /// Targets that answer.
    public var alive: UInt8

    /// Whence the targets are known.
    public var kind = Kind.unknown

    /// Each that is pinged, members of groups too; empty when not told.
    public var targets: [Target] = []

    /// Joins the parts.
    public init(link: UInt8, total: UInt8, alive: UInt8) {
        self.link = link
        self.total = total
        self.alive = alive
    }
}

/// A node's conclusion about one designated link.
public struct VerdictRecord: Equatable, Sendable {
    /// Corosync's number of the link.
    public var link: UInt8

    /// The rule that spoke.
    public var reason: VerdictReason

    /// The nodes at fault, in ascending order.
    public var faulty: [NodeID]

    /// Joins the parts.
    public init(link: UInt8, reason: VerdictReason, faulty: [NodeID]) {
        self.link = link
        self.reason = reason
        self.faulty = faulty
    }
}

/// State of one direction of a link.
public enum LinkState: UInt8, Sendable, CaseIterable {
    /// Nothing is known yet.
    case unknown = 0
    /// Probes arrive in time.
    case up = 1
    /// A probe is late; not a fault.
    case late = 2
    /// Silent for the dead time, or too lossy.
    case down = 3

    /// The word in status and logs.
    public var name: String {
        switch self {
        case .unknown: "unknown"
        case .up: "up"
        case .late: "late"
        case .down: "down"
        }
    }
}

/// Yes, no, or not known.
public enum Tristate: UInt8, Sendable, CaseIterable {
    case no = 0
    case yes = 1
    case unknown = 2

    /// A known value, or unknown for nil.
    public init(_ value: Bool?) {
        switch value {
        case true?: self = .yes
        case false?: self = .no
        case nil: self = .unknown
        }
    }

    /// The value; nil when unknown.
    public var value: Bool? {
        switch self {
        case .no: false
        case .yes: true
        case .unknown: nil
        }
    }
}
