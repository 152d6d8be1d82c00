// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Netlink

/// The network thread's work: probes and pings at every beat, receiving, and our own ends of the links.
///
/// It never calls Corosync, writes no log and touches no disk, so that nothing of that can delay a beat.
struct NetworkLoop {
    private static let lateness = Duration.milliseconds(400)
    private static let tableInterval = Duration.seconds(1)
    private static let calmTableInterval = Duration.seconds(5)
    private static let gathering = Duration.milliseconds(2)
    private static let together = Duration.milliseconds(3)
    private static let tablePause = Duration.milliseconds(20)
    private static let routesInterval = Duration.seconds(10)
    private static let receptionWindow = Duration.seconds(2)

    /// What a peer's probe says of its sender.
    private struct Said: Equatable {
        let hears: UInt8
        let pings: UInt8
        let carriers: UInt8
        let flags: UInt8
    }

    private let events: EventMailbox
    private let configuration: HeartbeatConfiguration
    private let incarnation: UInt64
    private let key: ProbeAuthenticator?
    private let publish: (ProbeCounters) -> Void
    private let echoIdentifier = UInt16.random(in: 1...UInt16.max)
    private var echoSequence: UInt16 = 0
    private var topology: ClusterTopology?
    private var peers: [ClusterTopology.Node] = []
    private var content = ProbeContent()
    private var ends: [LinkEnd] = []
    private var counters = ProbeCounters()
    private var lastSaid: [NodeID: Said] = [:]
    private var states: [LocalLink] = []
    private var tableReadAt: MonotonicTime?
    private var tableDue: MonotonicTime
    private var routes: [Route] = []
    private var routesDue: MonotonicTime
    private var cadence: Cadence
    private var pollers: [pollfd] = []
    private let batch = DatagramBatch()

    init(
        events: EventMailbox,
        configuration: HeartbeatConfiguration,
        incarnation: UInt64,
        key: ProbeKey?,
        publish: @escaping (ProbeCounters) -> Void
    ) {
        self.events = events
        self.configuration = configuration
        self.incarnation = incarnation
        self.key = key.map(ProbeAuthenticator.init)
        self.publish = publish
        let now = MonotonicTime.now
        tableDue = now
        routesDue = now
        cadence = Cadence(node: 0, interval: configuration.timers.keepalive, at: now)
    }

    /// Runs for ever.
    mutating func run(_ orders: Mailbox<NetworkThread.Order>) {
        let watch = try? LinkWatch()
        while true {
            if pollers.isEmpty {
                arrangePollers(orders.descriptor, watch?.descriptor ?? -1)
            }
            let start = MonotonicTime.now
            let wait = max(.zero, min(tableDue, sendDue(at: start)) - start)
            // An interrupted poll leaves no events and is simply repeated.
            let count = poll(&pollers, nfds_t(pollers.count), wait.milliseconds(roundedUp: true))
            if count > 0 {
                serve(orders, watch)
            }
            let now = MonotonicTime.now
            if now >= tableDue {
                readTable(at: now)
                tableDue = now + (watch == nil ? Self.tableInterval : Self.calmTableInterval)
            }
            let isBeat = cadence.due <= now
            if isBeat {
                beat(at: now)
            }
            if send(at: now, isBeat: isBeat) {
                // What comes back from near, and what the others send with us, is taken with one waking.
                pause(Self.gathering)
            }
        }
    }

    private mutating func beat(at now: MonotonicTime) {
        if now - cadence.due > Self.lateness {
            events.post(.late(now - cadence.due), at: now)
        }
        cadence.beat(at: now)
        publish(counters)
        // While nothing comes in, only the interface itself knows whether that is so for everybody.
        let patience = configuration.timers.keepalive * 2
        if let tableReadAt, now - tableReadAt >= Self.tableInterval,
            ends.contains(where: { $0.lastReception.map { now - $0 > patience } ?? true })
        {
            tableDue = now
        }
    }

    private func pause(_ time: Duration) {
        // Waking early by a signal does no harm here.
        _ = usleep(UInt32(clamping: time.wholeNanoseconds / 1000))
    }

    /// What is waited for: orders, changes of interfaces, then the three sockets of each end.
    private mutating func arrangePollers(_ orders: CInt, _ watch: CInt) {
        pollers = [pollfd(fd: orders, events: Int16(POLLIN), revents: 0)]
        // Without the subscription the table is still read every second.
        pollers.append(pollfd(fd: watch, events: Int16(POLLIN), revents: 0))
        for end in ends {
            pollers.append(pollfd(fd: end.probeDescriptor, events: Int16(POLLIN), revents: 0))
            pollers.append(pollfd(fd: end.pingDescriptor, events: Int16(POLLIN), revents: 0))
            pollers.append(pollfd(fd: end.arpDescriptor, events: Int16(POLLIN), revents: 0))
        }
    }

    /// Takes what poll(2) has found.
    private mutating func serve(_ orders: Mailbox<NetworkThread.Order>, _ watch: LinkWatch?) {
        let found = pollers.map { $0.revents != 0 }
        if found[1] {
            watch?.drain()
            routesDue = .now
            tableDue = min(tableDue, .now + Self.tablePause)
        }
        for index in ends.indices {
            if found[index * 3 + 2] {
                receiveProbes(from: ends[index])
            }
            if found[index * 3 + 3] {
                receivePings(from: ends[index])
            }
            if found[index * 3 + 4] {
                receiveARP(from: ends[index])
            }
        }
        if found[0] {
            // Last, since they may change the ends.
            for order in orders.drain() {
                obey(order)
            }
        }
    }

    private mutating func obey(_ order: NetworkThread.Order) {
        switch order {
        case .content(let new): content = new
        case .topology(let new):
            guard new != topology else {
                return
            }
            if new.localNode != topology?.localNode {
                cadence = Cadence(node: new.localNode, interval: configuration.timers.keepalive, at: .now)
            }
            topology = new
            peers = new.peers
            ends = new.links.compactMap { link in
                new.local?.addresses[link].map { LinkEnd(link: link, address: $0) }
            }
            states = []
            pollers = []
            tableDue = .now
            routesDue = .now
        }
    }

    /// Routes of both families; without any there is no gateway to ping.
    private static func readRoutes() -> [Route] {
        guard let socket = try? NetlinkSocket(.route) else {
            return []
        }
        return ((try? socket.routes(.ipv4)) ?? []) + ((try? socket.routes(.ipv6)) ?? [])
    }

    /// Reads the interfaces, opens what can be opened, and tells the state of our ends.
    private mutating func readTable(at now: MonotonicTime) {
        guard let table = try? InterfaceTable(), !ends.isEmpty else {
            return
        }
        tableReadAt = now
        // Sockets may be opened anew.
        pollers = []
        if now >= routesDue {
            routes = Self.readRoutes()
            routesDue = now + Self.routesInterval
        }
        var states: [LocalLink] = []
        for end in ends {
            let wanted = configuration.settings(ofLink: end.link).interface
            end.interface = wanted ?? end.interface
            let owner = table.owner(of: end.address, on: wanted)
            if let owner {
                end.note(receivedFrames: owner.interface.receivedFrames, at: now)
                end.interface = owner.name
                end.open(
                    port: configuration.port(ofLink: end.link),
                    ttl: configuration.ttl(ofLink: end.link),
                    index: owner.interface.index
                )
                let (targets, gateway) = targets(of: end, index: owner.interface.index)
                end.ask(gateway, on: owner.interface.device)
                if targets != end.targets {
                    end.targets = targets
                    events.post(.pingTargets(link: end.link, targets: targets, isGateway: gateway != nil), at: now)
                }
            }
            let runs = table.interfaces[end.interface]?.runs ?? false
            var state = LocalLink(
                link: end.link,
                interface: end.interface,
                hasCarrier: runs,
                hasAddress: owner != nil,
                receives: end.lastReception.map { now - $0 < Self.receptionWindow } ?? true
            )
            state.speed = end.speed(isRunning: runs) { vervet_link_speed($0) }
            state.receivedDelta = end.receivedDelta
            states.append(state)
        }
        guard states != self.states else {
            return
        }
        let isNews = states.count != self.states.count || !zip(states, self.states).allSatisfy { $0.isTheSame(as: $1) }
        self.states = states
        if isNews {
            events.post(.localLinks(states), at: now)
        } else {
            events.postQuietly(.localLinks(states), at: now)
        }
    }

    /// The configured targets of a link; else, for a designated link, the default gateway of its interface.
    private func targets(of end: LinkEnd, index: UInt32) -> (all: [IPAddress], gateway: IPAddress?) {
        guard configuration.uses(.pings) else {
            return ([], nil)
        }
        if let configured = configuration.pingTargets(ofLink: end.link) {
            return (configured, nil)
        }
        guard configuration.hasImplicitPing, configuration.settings(ofLink: end.link).isDesignated else {
            return ([], nil)
        }
        let gateways = routes.filter {
            $0.prefixLength == 0 && $0.kind == .unicast && $0.table == Route.mainTable
                && $0.interfaceIndex == Int32(index) && $0.gateway?.family == end.address.family
        }
        let best = gateways.min { $0.metric ?? 0 < $1.metric ?? 0 }
        // While the link is down its routes are gone; the target stays.
        let gateway = best?.gateway ?? end.targets.first
        return (gateway.map { [$0] } ?? [], gateway)
    }

    /// When the next probe or ping is due.
    private func sendDue(at now: MonotonicTime) -> MonotonicTime {
        var due = cadence.due
        for end in ends {
            for peer in peers where configuration.uses(.probes) && peer.addresses[end.link] != nil {
                due = min(due, probeDue(end, peer.id, at: now))
            }
            for target in end.targets {
                due = min(due, pingDue(end, target, at: now))
            }
        }
        return due
    }

    private func probeDue(_ end: LinkEnd, _ peer: NodeID, at now: MonotonicTime) -> MonotonicTime {
        let lossy = content.peers[peer]?.lossy ?? 0
        return end.probeDue(
            to: peer,
            keepalive: configuration.timers.keepalive,
            isLossy: end.link < 8 && lossy & 1 << end.link != 0,
            beat: cadence.due,
            at: now
        )
    }

    private func pingDue(_ end: LinkEnd, _ target: IPAddress, at now: MonotonicTime) -> MonotonicTime {
        end.pingDue(target, keepalive: configuration.timers.keepalive, beat: cadence.due, at: now)
    }

    /// Sends what is due, at a beat everything.
    ///
    /// - Returns: Whether anything was sent.
    private mutating func send(at now: MonotonicTime, isBeat: Bool) -> Bool {
        guard let topology else {
            return false
        }
        var hasSent = false
        let hasProbes = configuration.uses(.probes)
        // What is due within a moment goes with the rest: one waking less.
        let soon = now + Self.together
        for end in ends {
            for peer in peers where hasProbes {
                guard let address = peer.addresses[end.link], isBeat || probeDue(end, peer.id, at: now) <= soon else {
                    continue
                }
                hasSent = true
                let probe = end.nextProbe(
                    from: topology.localNode,
                    to: peer.id,
                    incarnation: incarnation,
                    content: content,
                    keyID: key?.id ?? 0,
                    at: now
                )
                let signed = probe.authenticatedBytes
                let tag = key?.tag(signed) ?? [UInt8](repeating: 0, count: ProbeKey.tagLength)
                let target = SocketAddress(address, port: configuration.port(ofLink: end.link))
                if end.sendProbe(signed + tag, to: target, confirms: end.isHeard(by: peer.id, at: now)) {
                    counters.sent += 1
                } else {
                    counters.sendFailures += 1
                }
            }
            for target in end.targets where isBeat || pingDue(end, target, at: now) <= soon {
                hasSent = true
                echoSequence &+= 1
                let message = EchoMessage(identifier: echoIdentifier, sequence: echoSequence)
                end.sendPing(message, to: target, keepalive: configuration.timers.keepalive, at: now)
            }
        }
        return hasSent
    }

    /// So many batches are taken from one socket before the others have their turn.
    private static let batches = 4

    private mutating func receiveProbes(from end: LinkEnd) {
        for _ in 0..<Self.batches {
            let count = end.receiveProbes(into: batch)
            let (now, wallClock) = (MonotonicTime.now, DatagramBatch.wallClock)
            for index in 0..<count {
                if let datagram = batch.datagram(index, wallClock: wallClock) {
                    take(datagram, end, at: now)
                }
            }
            guard batch.isFull else {
                break
            }
        }
    }

    private mutating func receivePings(from end: LinkEnd) {
        for _ in 0..<Self.batches {
            let count = end.receivePings(into: batch)
            let (now, wallClock) = (MonotonicTime.now, DatagramBatch.wallClock)
            for index in 0..<count {
                guard let datagram = batch.datagram(index, wallClock: wallClock) else {
                    continue
                }
                let isIPv4 = datagram.source.address.family == .ipv4
                if !isIPv4, let gateway = end.gateway(answeringBy: datagram.bytes, hopLimit: datagram.ttl, at: now) {
                    events.postQuietly(.pingReply(link: end.link, target: gateway, by: .solicitation), at: now)
                    continue
                }
                if let echo = isIPv4
                    ? EchoMessage(replyWithHeader: datagram.bytes) : EchoMessage(icmpv6Reply: datagram.bytes),
                    echo.identifier == echoIdentifier,
                    end.targets.contains(datagram.source.address)
                {
                    let target = datagram.source.address
                    let time = end.noteReply(of: target, sequence: echo.sequence, waited: datagram.waited, at: now)
                    events.postQuietly(.pingReply(link: end.link, target: target, roundTrip: time), at: now)
                }
            }
            guard batch.isFull else {
                break
            }
        }
    }

    private func receiveARP(from end: LinkEnd) {
        for _ in 0..<Self.batches {
            let count = end.receiveARP(into: batch)
            let now = MonotonicTime.now
            for index in 0..<count {
                if let gateway = end.gateway(answeringBy: batch.bytes(index), at: now) {
                    events.postQuietly(.pingReply(link: end.link, target: gateway, by: .arp), at: now)
                }
            }
            guard batch.isFull else {
                break
            }
        }
    }

    /// Every datagram is hostile until its authentication says otherwise.
    private mutating func take(_ datagram: LinkDatagram, _ end: LinkEnd, at now: MonotonicTime) {
        // A peer sends with the link's own time to live, which only shrinks on its way: what has more left was sent by
        // somebody else, from near or far. Looked at first, since it costs nothing.
        guard let ttl = datagram.ttl, ttl <= configuration.ttl(ofLink: end.link) else {
            counters.wrongTTL += 1
            return
        }
        let signed = Array(datagram.bytes.prefix(ProbeDatagram.authenticatedLength))
        guard datagram.bytes.count == ProbeDatagram.length, let probe = ProbeDatagram(decoding: signed) else {
            counters.malformed += 1
            return
        }
        if let key {
            let tag = datagram.bytes.dropFirst(ProbeDatagram.authenticatedLength)
            guard probe.keyID == key.id, key.authenticates(signed, tag: tag) else {
                counters.forged += 1
                return
            }
        }
        guard let topology, probe.destination == topology.localNode, probe.link == end.link,
            let peer = peers.first(where: { $0.id == probe.source }),
            peer.addresses[end.link] == datagram.source.address
        else {
            counters.foreign += 1
            return
        }
        let known = content.peers[probe.source]?.incarnation ?? 0
        guard known == 0 || known == probe.sourceIncarnation else {
            // An earlier run of the peer, or one that has not introduced itself in the group yet.
            counters.replayed += 1
            return
        }
        guard let roundTrip = end.accept(probe, waited: datagram.waited, at: now) else {
            counters.replayed += 1
            return
        }
        counters.accepted += 1
        cadence.heard(probe.source, at: now)
        // Most probes say what the one before said; they are counted with the next look at the clock.
        let said = Said(hears: probe.hears, pings: probe.pings, carriers: probe.carriers, flags: probe.flags)
        if lastSaid.updateValue(said, forKey: probe.source) == said {
            events.postQuietly(.probe(probe, roundTrip: roundTrip.time, waited: datagram.waited), at: now)
        } else {
            events.post(.probe(probe, roundTrip: roundTrip.time, waited: datagram.waited), at: now)
        }
    }
}
