// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// The nodes and their addresses on each link, as Corosync's node list has them.
public struct ClusterTopology: Equatable, Sendable {
    /// A node of the cluster.
    public struct Node: Equatable, Sendable {
        /// Corosync's number.
        public var id: NodeID

        /// The name; the number as text when the node list has none.
        public var name: String

        /// Its address on each link.
        public var addresses: [UInt8: IPAddress]

        /// Joins the parts.
        public init(id: NodeID, name: String, addresses: [UInt8: IPAddress]) {
            self.id = id
            self.name = name
            self.addresses = addresses
        }
    }

    /// Our own number.
    public var localNode: NodeID

    /// All nodes, ours included.
    public var nodes: [Node]

    /// The largest knet ping timeout of the links; how long a message may be held up by a dead link.
    public var knetTimeout: Duration

    /// The largest interval of knet's pings.
    public var knetInterval: Duration

    /// Joins the parts.
    public init(
        localNode: NodeID,
        nodes: [Node],
        knetTimeout: Duration,
        knetInterval: Duration = .milliseconds(750)
    ) {
        self.localNode = localNode
        self.nodes = nodes
        self.knetTimeout = knetTimeout
        self.knetInterval = knetInterval
    }

    /// The same nodes with other addresses where a configuration wants them.
    ///
    /// - Parameter overrides: By link and name of the node; links that Corosync does not have are not made by this.
    /// - Returns: What is to be used.
    func applying(_ overrides: [UInt8: [String: IPAddress]]) -> ClusterTopology {
        var topology = self
        for index in topology.nodes.indices {
            for link in topology.nodes[index].addresses.keys {
                if let address = overrides[link]?[topology.nodes[index].name] {
                    topology.nodes[index].addresses[link] = address
                }
            }
        }
        return topology
    }

    /// Ourselves; nil when the node list lacks us.
    public var local: Node? { nodes.first { $0.id == localNode } }

    /// The others, by number.
    public var peers: [Node] { nodes.filter { $0.id != localNode }.sorted { $0.id < $1.id } }

    /// The numbers of the links that we have.
    public var links: [UInt8] { (local?.addresses.keys).map { $0.sorted() } ?? [] }
}

/// Our own end of a link, as the kernel has it.
public struct LocalLink: Equatable, Sendable {
    /// Corosync's number of the link.
    public var link: UInt8

    /// The interface that has the address; empty while none has it.
    public var interface: String

    /// The interface is up and runs (carrier).
    public var hasCarrier: Bool

    /// The address is on an interface.
    public var hasAddress: Bool

    /// Frames arrived within the last two seconds.
    public var receives: Bool

    /// The interface's speed in Mbit/s; 0 when it has none.
    public var speed: UInt32 = 0

    /// Frames received between the last two looks at the interface.
    public var receivedDelta: UInt32 = 0

    /// Joins the parts.
    public init(link: UInt8, interface: String, hasCarrier: Bool, hasAddress: Bool, receives: Bool) {
        self.link = link
        self.interface = interface
        self.hasCarrier = hasCarrier
        self.hasAddress = hasAddress
        self.receives = receives
    }

    /// Whether two states differ in nothing but counters.
    func isTheSame(as other: LocalLink) -> Bool {
        var same = other
        same.receivedDelta = receivedDelta
        return same == self
    }

    /// Carrier and address.
    public var works: Bool { hasCarrier && hasAddress }
}
