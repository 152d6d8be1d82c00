// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import LinuxKit

/// Reads the node list and Corosync's values, asks for knet's links, and for Pacemaker's daemons every five seconds;
/// Corosync may keep this thread waiting for ever.
struct CorosyncQueryThread: Sendable {
    /// While a link is in doubt.
    private static let closeInterval = Duration.milliseconds(200)

    /// While all links are well: then knet's word decides nothing, and every question wakes Corosync and us several times.
    private static let calmInterval = Duration.milliseconds(600)

    /// So often the node list and Corosync's values are read: a change is noticed within 15 s, however slowly Corosync answers.
    private static let configurationInterval = Duration.seconds(10)

    private static let countersInterval = 5
    private static let pacemakerInterval = Duration.seconds(5)

    /// The groups of its controllers and of its attribute daemons; Pacemaker counts the zero at their names' end.
    private static let pacemakerGroups = ["crmd\0", "attrd\0"]

    private let events: EventMailbox
    private let attention: Mailbox<Bool>

    /// - Parameter events: Where it tells.
    /// - Throws: ``SystemError`` of eventfd(2).
    init(events: EventMailbox) throws(SystemError) {
        self.events = events
        attention = try Mailbox()
    }

    /// Says whether a link is in doubt; then knet is asked at once and more often.
    func watch(closely: Bool) { attention.post(closely) }

    func start() {
        CorosyncThread.start("hb-query") { run() }
    }

    private func run() {
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
        var directions: [NodeID: [UInt8: KnetDirections]] = [:]
        var pacemaker: Set<ProcessGroup.Member>?
        var settings: CorosyncSettings?
        var isClose = true
        while true {
            // A connection has three rings of 1 MiB each, shared with Corosync, which fill bit by bit and are never given
            // back: this one is needed six times a minute, and the one for the links is made anew as often.
            let (topology, newest) = try readConfiguration(try ConfigurationMap())
            events.post(.topology(topology))
            if newest != settings {
                settings = newest
                events.post(.corosyncSettings(newest))
            }
            try watch(topology, try LinkStatusClient(), try ProcessGroupList(), &directions, &pacemaker, &isClose)
        }
    }

    /// Asks for the links of all peers until it is time to read the node list again.
    private func watch(
        _ topology: ClusterTopology,
        _ client: borrowing LinkStatusClient,
        _ groups: borrowing ProcessGroupList,
        _ directions: inout [NodeID: [UInt8: KnetDirections]],
        _ pacemaker: inout Set<ProcessGroup.Member>?,
        _ isClose: inout Bool
    ) throws(CorosyncError) {
        let window = max(.seconds(1), topology.knetInterval * 3)
        let end = MonotonicTime.now + Self.configurationInterval
        var round = 0
        var askedForPacemakerAt: MonotonicTime?
        while MonotonicTime.now < end {
            var areAllConnected = true
            for peer in topology.peers {
                try query(peer, client, directions[peer.id] ?? [:], &areAllConnected)
            }
            if areAllConnected {
                directions = [:]
            } else if round % Self.countersInterval == 0 {
                // A connected link works both ways; only of another one the counters tell more.
                let statistics = try ConfigurationMap.statistics()
                for peer in topology.peers {
                    try count(peer, statistics, window, &directions[peer.id, default: [:]])
                }
            }
            if askedForPacemakerAt.map({ MonotonicTime.now - $0 >= Self.pacemakerInterval }) ?? true {
                askedForPacemakerAt = .now
                var members: Set<ProcessGroup.Member> = []
                for group in Self.pacemakerGroups {
                    members.formUnion(try groups.members(of: group))
                }
                if let before = pacemaker, before != members {
                    events.post(.pacemakerChanged(isStarted: !members.isSubset(of: before)))
                }
                pacemaker = members
            }
            round += 1
            attention.wait(isClose || !areAllConnected ? Self.closeInterval : Self.calmInterval)
            isClose = attention.drain().last ?? isClose
        }
    }

    private func count(
        _ peer: ClusterTopology.Node,
        _ statistics: borrowing ConfigurationMap,
        _ window: Duration,
        _ directions: inout [UInt8: KnetDirections]
    ) throws(CorosyncError) {
        for link in peer.addresses.keys {
            let prefix = "stats.knet.node\(peer.id).link\(link)."
            guard let pings = try statistics.counter(prefix + "rx_ping_packets"),
                let pongs = try statistics.counter(prefix + "rx_pong_packets")
            else {
                directions[link] = nil
                continue
            }
            directions[link, default: KnetDirections(window: window)]
                .note(KnetDirections.Counters(receivedPings: pings, receivedPongs: pongs), at: .now)
        }
    }

    private func query(
        _ peer: ClusterTopology.Node,
        _ client: borrowing LinkStatusClient,
        _ directions: [UInt8: KnetDirections],
        _ areAllConnected: inout Bool
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
        var states: [UInt8: KnetLink] = [:]
        for link in peer.addresses.keys where Int(link) < status.links.count && status.links[Int(link)].isEnabled {
            let isConnected = status.links[Int(link)].isConnected
            areAllConnected = areAllConnected && isConnected
            states[link] = KnetLink(
                isConnected: isConnected,
                hears: isConnected ? true : directions[link]?.hears,
                isHeard: isConnected ? true : directions[link]?.isHeard
            )
        }
        events.postQuietly(.knet(peer: peer.id, links: states))
    }

    private func readConfiguration(
        _ map: borrowing ConfigurationMap
    ) throws(CorosyncError) -> (ClusterTopology, CorosyncSettings) {
        (try readTopology(map), try ClusterReader.corosync(map))
    }

    /// The node list: `nodelist.node.<position>.{nodeid,name,ring<link>_addr}`.
    private func readTopology(_ map: borrowing ConfigurationMap) throws(CorosyncError) -> ClusterTopology {
        let ownPosition = try map.number("nodelist.local_node_pos")
        var nodes: [ClusterTopology.Node] = []
        var local: NodeID = 0
        var timeout: UInt32 = 0
        var interval: UInt32 = 0
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
            let pingKey = "runtime.config.totem.interface.\(link).knet_ping_interval"
            interval = max(interval, try map.number(pingKey) ?? 0)
        }
        return ClusterTopology(
            localNode: local,
            nodes: nodes,
            knetTimeout: .milliseconds(Int64(timeout)),
            knetInterval: .milliseconds(Int64(interval))
        )
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
