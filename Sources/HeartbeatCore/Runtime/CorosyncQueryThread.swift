// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Corosync
import Glibc
import LinuxKit

/// Reads the node list and asks for knet's links five times a second; Corosync may keep this thread waiting for ever.
struct CorosyncQueryThread: Sendable {
    private static let pollInterval = Duration.milliseconds(200)
    private static let topologyInterval = 25

    private let events: EventMailbox

    init(events: EventMailbox) {
        self.events = events
    }

    func start() {
        CorosyncThread.start { run() }
    }

    private func run() {
        // The name only serves people who look at threads.
        _ = vervet_set_thread_name("hb-query")
        while true {
            do throws(CorosyncError) {
                try session()
            } catch {
                events.post(.knetUnknown)
                pause(.seconds(1))
            }
        }
    }

    /// One connection, until it fails.
    private func session() throws(CorosyncError) {
        let map = try ConfigurationMap()
        let links = try LinkStatusClient()
        while true {
            let topology = try readTopology(map)
            events.post(.topology(topology))
            for _ in 0..<Self.topologyInterval {
                for peer in topology.peers {
                    try query(peer, links)
                }
                pause(Self.pollInterval)
            }
        }
    }

    private func query(
        _ peer: ClusterTopology.Node,
        _ client: borrowing LinkStatusClient
    ) throws(CorosyncError) {
        let status: LinkStatusClient.NodeStatus
        do {
            status = try client.status(of: peer.id)
        } catch {
            guard error.kind != .disconnected else {
                throw error
            }
            events.post(.knet(peer: peer.id, links: [:]))
            return
        }
        var states: [UInt8: Bool] = [:]
        for link in peer.addresses.keys where Int(link) < status.links.count && status.links[Int(link)].isEnabled {
            states[link] = status.links[Int(link)].isConnected
        }
        events.post(.knet(peer: peer.id, links: states))
    }

    /// The node list: `nodelist.node.<position>.{nodeid,name,ring<link>_addr}`.
    private func readTopology(_ map: borrowing ConfigurationMap) throws(CorosyncError) -> ClusterTopology {
        let ownPosition = try map.number("nodelist.local_node_pos")
        var nodes: [ClusterTopology.Node] = []
        var local: NodeID = 0
        var timeout: UInt32 = 0
        let positions = Set(
            try map.keys(prefix: "nodelist.node.").compactMap { $0.split(separator: ".").dropFirst(2).first }
        )
        for position in positions.compactMap({ UInt32($0) }).sorted() {
            let prefix = "nodelist.node.\(position)."
            guard let id = try map.number(prefix + "nodeid") else {
                continue
            }
            var addresses: [UInt8: IPAddress] = [:]
            for link in UInt8(0)..<8 {
                if let text = try map.text(prefix + "ring\(link)_addr"), let address = resolve(text) {
                    addresses[link] = address
                }
            }
            let name = try map.text(prefix + "name") ?? String(id)
            nodes.append(ClusterTopology.Node(id: id, name: name, addresses: addresses))
            if position == ownPosition {
                local = id
            }
        }
        for link in UInt8(0)..<8 {
            let key = "runtime.config.totem.interface.\(link).knet_ping_timeout"
            timeout = max(timeout, try map.number(key) ?? 0)
        }
        return ClusterTopology(localNode: local, nodes: nodes, knetTimeout: .milliseconds(Int64(timeout)))
    }

    /// The address of a node list entry, which may be a name.
    private func resolve(_ text: String) -> IPAddress? {
        if let address = IPAddress(text) {
            return address
        }
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(text, nil, nil, &found) == 0, let found else {
            return nil
        }
        defer { freeaddrinfo(found) }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(
                from: UnsafeRawBufferPointer(start: found.pointee.ai_addr, count: Int(found.pointee.ai_addrlen))
            )
        }
        return SocketAddress(storage)?.address
    }

    private func pause(_ time: Duration) {
        // Waking early by a signal does no harm here.
        _ = usleep(UInt32(clamping: time.wholeNanoseconds / 1000))
    }
}
