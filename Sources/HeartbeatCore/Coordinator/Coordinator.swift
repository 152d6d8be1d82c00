// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The heartbeat without its threads: events and the time go in, effects come out.
///
/// It never accuses on evidence gathered while it was away itself, while the cluster re-forms or shortly after the
/// start, and without new conclusions everything published stays as it is.
public struct Coordinator: Sendable {
    /// What it was told by its configuration.
    public let configuration: HeartbeatConfiguration

    /// The random number of this run.
    public let incarnation: UInt64

    let version: String
    let startedAt: MonotonicTime
    var timers: LinkTimers
    var topology: ClusterTopology?
    var peers: [NodeID: Peer] = [:]
    var localLinks: [UInt8: LocalLink] = [:]
    var pings: [UInt8: [IPAddress: PingMonitor]] = [:]
    var pingKinds: [UInt8: PingRecord.Kind] = [:]
    var pingGroupStates: [UInt8: [String: PingGroupState]] = [:]
    var ring: Set<NodeID> = []
    var groupMembers: Set<NodeID> = []
    var health: [UInt8: PublishedHealth] = [:]
    var verdicts: [UInt8: LinkVerdict] = [:]
    var verdictSince: [UInt8: MonotonicTime] = [:]
    var joinedAt: MonotonicTime?
    var corosyncProblem: String?
    var corosyncProblemSince: MonotonicTime
    var ringChangedAt: MonotonicTime?
    /// When the ring last lost a node without gaining one.
    var ringShrankAt: MonotonicTime?
    /// When a verdict last accused others than before.
    var faultyChangedAt: MonotonicTime?
    var lateUntil: MonotonicTime?
    var lastTick: MonotonicTime?
    var isStopping = false
    var sequence: UInt64 = 0
    var unconfirmed: [(sequence: UInt64, sentAt: MonotonicTime)] = []
    var selfDelivery = Duration.zero
    var lastView: GroupMessage?
    var lastViewAt: MonotonicTime?
    var owesHello = false
    /// When messages were sent in the last second.
    var spoken: [MonotonicTime] = []
    var published: [NodeAttribute] = []
    var publishedAt: MonotonicTime?
    var assertPause = Coordinator.firstAssertInterval
    var nextAssertPause = Coordinator.firstAssertInterval
    /// What attrd_updater has taken, and what the cluster's status was seen to have.
    var given: [String: String] = [:]
    var confirmed: [String: String] = [:]
    var missingNames: [String] = []
    /// What of Corosync's values does not suit.
    var advice: [Advice] = []
    var attributeFailure: String?
    var secondary: [NodeAttribute] = []
    var secondarySince: MonotonicTime?
    var history = TransitionHistory()
    var forced: (isHealthy: Bool, until: MonotonicTime)?
    var maintenanceUntil: MonotonicTime?
    var differsSince: [NodeID: MonotonicTime] = [:]
    var alarmed: Set<NodeID> = []
    var blockedProbes: Set<NodeID> = []
    var lateTicks = 0
    var lastFingerprint = 0
    var lastLook: MonotonicTime?
    var attributeFailures = 0
    var daemonLoss = DaemonLoss()
    var attributeDelay: Duration?
    var knetAnsweredAt: MonotonicTime?
    private var watchesKnetClosely = true
    var isRealTime: Bool?
    var isLocked: Bool?
    var probeContent = ProbeContent()
    var rejectedMessages = 0
    var effects: [HeartbeatEffect] = []

    /// Begins; nothing is known but the configuration.
    public init(configuration: HeartbeatConfiguration, incarnation: UInt64, version: String, at now: MonotonicTime) {
        self.configuration = configuration
        self.incarnation = incarnation
        self.version = version
        timers = configuration.timers
        startedAt = now
        corosyncProblem = "connecting"
        corosyncProblemSince = now
    }

    /// Takes an event that happened at `time`.
    public mutating func handle(_ event: HeartbeatEvent, at time: MonotonicTime) {
        switch event {
        case .topology(let topology): adopt(topology, at: time)
        case .joined:
            joinedAt = time
            corosyncProblem = nil
            owesHello = true
            unconfirmed = []
            publishAgain()
            log(.notice, "joined the group of heartbeats")
        case .corosyncLost(let reason): loseCorosync(reason, at: time)
        case .message(let sender, let bytes): take(bytes, from: sender, at: time)
        case .rejected(let sender, let reason): reject(from: sender, because: reason)
        case .members(let members, let left, let joined): adopt(members: members, left: left, joined: joined, at: time)
        case .ring(let nodes): adopt(ring: nodes, at: time)
        case .knet(let peer, let links):
            peers[peer]?.knet = configuration.uses(.knet) ? links : [:]
            knetAnsweredAt = time
        case .knetUnknown: forgetKnet()
        case .localLinks(let links): adopt(links)
        case .probe(let probe, let roundTrip, let waited): take(probe, roundTrip, waited, at: time)
        case .pingTargets(let link, let targets, let isGateway):
            pingKinds[link] = targets.isEmpty ? nil : isGateway ? .gateway : .configured
            let old = pings[link] ?? [:]
            let fresh = PingMonitor(timers: timers, at: time)
            pings[link] = Dictionary(targets.map { ($0, old[$0] ?? fresh) }, uniquingKeysWith: { first, _ in first })
        case .pingReply(let link, let target, let answer, let roundTrip):
            pings[link]?[target]?.replied(by: answer, roundTrip: roundTrip, at: time)
        case .late(let delay): wasAway(for: delay, at: time)
        case .scheduling(let isRealTime, let isLocked):
            self.isRealTime = isRealTime
            self.isLocked = isLocked
        case .attribute(let attribute, let failure): note(attribute, failure)
        case .attributesArrived(let arrived, let missing, let delay): confirm(arrived, missing, delay)
        case .pacemakerChanged(let isStarted):
            log(.info, "Pacemaker's daemons have changed on some node: attributes are given again", at: time)
            if isStarted {
                publishAgain()
            } else {
                publishAgainAfterTheRest()
            }
        case .corosyncSettings(let settings): judge(settings, at: time)
        }
    }

    /// Looks at the clock, decides, and hands out what is to be done.
    public mutating func tick(at now: MonotonicTime) -> [HeartbeatEffect] {
        if let lastTick, now - lastTick > Self.calmInterval + Self.lateness {
            wasAway(for: now - lastTick, at: now)
        }
        lastTick = now
        expireOrders(at: now)
        if let knetAnsweredAt, now - knetAnsweredAt > Self.knetPatience {
            // Corosync stands still, and lets whoever asks wait: what it said last is not true any more.
            forgetKnet()
        }
        advanceMonitors(at: now)
        advancePingGroups(at: now)
        decide(at: now)
        compareOpinions(at: now)
        watchForBlockedProbes(at: now)
        watchKnet(at: now)
        if isWorthSaying(at: now) {
            publish(at: now)
            speak(at: now)
        }
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    /// Says goodbye to the group; the attributes stay, so that nothing moves, unless the configuration wants them gone.
    public mutating func stop(at now: MonotonicTime) -> [HeartbeatEffect] {
        isStopping = true
        effects.append(.multicast(.bye, message(.bye, at: now).encoded()))
        if !published.isEmpty {
            effects.append(.publish(attributesOfTheEnd, again: false))
        }
        defer { effects.removeAll() }
        return effects
    }

    /// Wants knet's word more often while a link is in doubt, or while there are no probes of our own.
    private mutating func watchKnet(at now: MonotonicTime) {
        let isDoubtful = peers.values.contains { peer in
            peer.knet.values.contains { !$0.isConnected }
                || peer.monitors.values.contains { $0.state != .up || isSilent($0, at: now) }
        }
        let closely = isDoubtful || !configuration.uses(.probes)
        if closely != watchesKnetClosely {
            watchesKnetClosely = closely
            effects.append(.watchKnet(closely: closely))
        }
    }

    /// Whether a probe should have come by now.
    private func isSilent(_ monitor: LinkMonitor, at now: MonotonicTime) -> Bool {
        monitor.lastHeard.map { now - $0 > timers.keepalive * 8 / 5 } ?? false
    }

    /// How long Corosync's last word about knet's links holds.
    private static let knetPatience = Duration.seconds(2)

    private mutating func forgetKnet() {
        knetAnsweredAt = nil
        for id in peers.keys {
            peers[id]?.knet = [:]
        }
    }

    /// A tick that comes later than this means that we were away.
    static let lateness = Duration.milliseconds(400)

    /// When to look at the clock again: seldom while all is well, often while something is silent or settles.
    public func nextTick(after now: MonotonicTime) -> Duration {
        let patience = timers.keepalive * 8 / 5
        let isTense =
            peers.values.contains { peer in
                peer.monitors.values.contains { $0.state != .down && isSilent($0, at: now) }
            } || pings.values.contains { $0.values.contains { $0.isSilent(for: patience, at: now) } }
            || health.values.contains(where: \.isSettling)
        return isTense ? Self.tenseInterval : Self.calmInterval
    }

    static let calmInterval = Duration.milliseconds(200)
    static let tenseInterval = Duration.milliseconds(25)

    mutating func log(_ level: LogLevel, _ text: String) {
        log(level, text, at: lastTick ?? startedAt)
    }

    mutating func log(_ level: LogLevel, _ text: String, at now: MonotonicTime) {
        effects.append(.log(level, text))
        if level >= .notice {
            history.append(text, at: now)
        }
    }

    private mutating func adopt(_ new: ClusterTopology, at now: MonotonicTime) {
        guard new != topology else {
            return
        }
        topology = new
        timers.viewLimit = max(timers.viewLimit, .seconds(2) + new.knetTimeout * 2)
        let known = Set(new.peers.map(\.id))
        peers = peers.filter { known.contains($0.key) }
        for node in new.peers {
            var peer = peers[node.id] ?? Peer(id: node.id, name: node.name)
            peer.name = node.name
            for link in node.addresses.keys where peer.monitors[link] == nil {
                peer.monitors[link] = LinkMonitor(timers: timers, at: now)
            }
            peers[node.id] = peer
        }
        refreshMembers(at: now)
        // What was said before we knew whom to listen to is asked for again.
        owesHello = true
        for link in configuration.designatedLinks(of: new.links) where health[link] == nil {
            health[link] = PublishedHealth(timers: timers)
        }
        let strangers = Set(configuration.addresses.values.flatMap(\.keys)).subtracting(new.nodes.map(\.name))
        for name in strangers.sorted() {
            log(.warning, "the configuration has an address of \(name), but corosync has no node of that name")
        }
        let names = new.peers.map { "\($0.name) (\($0.addresses.count) links)" }.joined(separator: ", ")
        log(
            .notice,
            "node \(new.localNode), links \(new.links.map(String.init).joined(separator: " ")), peers: \(names)"
        )
    }

    private mutating func adopt(_ links: [LocalLink]) {
        for link in links where localLinks[link.link] != link {
            let old = localLinks[link.link]
            localLinks[link.link] = link
            if let old, old.works == link.works {
                continue
            }
            let name = configuration.name(ofLink: link.link)
            let state = link.works ? "works" : link.hasAddress ? "has no carrier" : "has lost its address"
            log(link.works ? .notice : .warning, "link \(name): our interface \(link.interface) \(state)")
        }
    }

    private mutating func loseCorosync(_ reason: String, at now: MonotonicTime) {
        if corosyncProblem == nil {
            corosyncProblemSince = now
        }
        if corosyncProblem != reason {
            log(.warning, "corosync is lost: \(reason)")
        }
        corosyncProblem = reason
        joinedAt = nil
        ring = []
        groupMembers = []
        daemonLoss = DaemonLoss()
        forgetKnet()
        refreshMembers(at: now)
    }

    private mutating func adopt(members: [NodeID], left: [NodeID], joined: [NodeID], at now: MonotonicTime) {
        groupMembers = Set(members)
        ringChangedAt = now
        refreshMembers(at: now)
        for id in left where peers[id] != nil {
            log(.notice, "the heartbeat of \(name(of: id)) has left")
            if ring.contains(id) {
                daemonLoss.left(id, at: now)
            }
        }
        for id in joined where peers[id] != nil {
            log(.notice, "the heartbeat of \(name(of: id)) has joined")
            daemonLoss.joined(id)
        }
        if !joined.isEmpty {
            owesHello = true
            publishAgain()
        }
    }

    /// Brings the peers in line with the members of the group; whoever has left is not expected to be heard.
    private mutating func refreshMembers(at now: MonotonicTime) {
        for id in peers.keys {
            let isInGroup = groupMembers.contains(id)
            peers[id]?.isInGroup = isInGroup
            peers[id]?.owesView = isInGroup
            for link in peers[id]?.monitors.keys.sorted() ?? [] {
                if isInGroup, configuration.uses(.probes), peers[id]?.view?.flags.contains(.probesOff) != true {
                    peers[id]?.monitors[link]?.expect(at: now)
                } else {
                    peers[id]?.monitors[link]?.forget(at: now)
                }
            }
            if !isInGroup {
                peers[id]?.view = nil
                peers[id]?.probeView = nil
            }
        }
    }

    private mutating func adopt(ring nodes: [NodeID], at now: MonotonicTime) {
        let isSmaller = ring.isStrictSuperset(of: nodes)
        ring = Set(nodes)
        ringChangedAt = now
        daemonLoss.keep(ring)
        if isSmaller {
            ringShrankAt = now
        } else {
            publishAgain()
        }
        for id in peers.keys where peers[id]?.isInGroup == true {
            peers[id]?.owesView = true
        }
        owesHello = true
    }

    private mutating func take(
        _ probe: ProbeDatagram,
        _ roundTrip: Duration?,
        _ waited: Duration,
        at time: MonotonicTime
    ) {
        // In place: a copy of what is known of a peer costs more than the probe.
        guard let index = peers.index(forKey: probe.source) else {
            return
        }
        peers.values[index].monitors[probe.link]?
            .received(sequence: probe.sequence, sentAt: probe.sentAt, waited: waited, at: time)
        if let roundTrip {
            peers.values[index].roundTrip[probe.link] = roundTrip
        }
        // What it says about us counts only when it means this run of ours.
        if probe.destinationIncarnation == incarnation,
            probe.sentAt > peers.values[index].probeView?.sentAt ?? Int64.min
        {
            peers.values[index].probeView = Peer.ProbeView(
                sentAt: probe.sentAt,
                arrived: time,
                hearsUs: probe.hears,
                pings: probe.pings,
                carriers: probe.carriers,
                flags: probe.flags
            )
        }
    }

    private mutating func wasAway(for delay: Duration, at now: MonotonicTime) {
        lateTicks += 1
        if lateUntil.map({ now >= $0 }) ?? true {
            log(.warning, "we were away for \(delay.clampedMilliseconds) ms: all deadlines start anew")
        }
        lateUntil = now + max(timers.deadtime, .seconds(1))
        for id in peers.keys {
            for link in peers[id]?.monitors.keys.sorted() ?? [] {
                peers[id]?.monitors[link]?.restart(at: now)
            }
        }
        for link in pings.keys {
            for target in pings[link]?.keys.sorted() ?? [] {
                pings[link]?[target]?.restart(at: now)
            }
        }
    }

    private mutating func advanceMonitors(at now: MonotonicTime) {
        for index in peers.indices {
            for place in peers.values[index].monitors.indices {
                let old = peers.values[index].monitors.values[place].state
                peers.values[index].monitors.values[place].tick(at: now)
                let peer = peers.values[index]
                let (link, monitor) = peer.monitors[place]
                if monitor.state != old {
                    report(peer, link, to: monitor.state, lastHeard: monitor.lastHeard, at: now)
                }
            }
        }
        for (link, targets) in pings {
            for (target, monitor) in targets {
                var next = monitor
                next.tick(at: now)
                if next.isAlive != monitor.isAlive {
                    log(.warning, "link \(configuration.name(ofLink: link)): ping target \(target) does not answer")
                }
                pings[link]?[target] = next
            }
        }
    }

    /// A direction that is late again and again is told of so often.
    private static let lateLogPause = Duration.seconds(10)

    private mutating func report(
        _ peer: Peer,
        _ link: UInt8,
        to state: LinkState,
        lastHeard: MonotonicTime?,
        at now: MonotonicTime
    ) {
        let silence = lastHeard.map { "\((now - $0).clampedMilliseconds) ms" } ?? "ever"
        let subject = "link \(configuration.name(ofLink: link)) from \(peer.name)"
        switch state {
        case .down: log(.warning, "\(subject): down, nothing heard for \(silence)")
        case .late:
            // A link that loses packets would fill the log; the totals are in the status.
            guard peer.lateLoggedAt[link].map({ now - $0 >= Self.lateLogPause }) ?? true else {
                break
            }
            peers[peer.id]?.lateLoggedAt[link] = now
            log(.info, "\(subject): late, nothing heard for \(silence)")
        case .up: log(.notice, "\(subject): up")
        case .unknown: break
        }
    }

    /// Says once what of Corosync's values does not suit.
    private mutating func judge(_ settings: CorosyncSettings, at now: MonotonicTime) {
        let new = settings.advice(designated: configuration.designatedLinks(of: settings.links.keys.sorted()))
        for one in new where !advice.contains(one) {
            log(.warning, "corosync.conf: \(one)", at: now)
        }
        if new.isEmpty, !advice.isEmpty {
            log(.notice, "corosync.conf: nothing to improve any more", at: now)
        }
        advice = new
    }

    private mutating func confirm(_ arrived: [NodeAttribute], _ missing: [NodeAttribute], _ delay: Duration) {
        attributeDelay = missing.isEmpty ? delay : attributeDelay
        for attribute in arrived {
            confirmed[attribute.key] = attribute.value
        }
        for attribute in missing {
            confirmed[attribute.key] = nil
        }
        let names = missing.map(\.name)
        if !names.isEmpty, names != missingNames {
            log(.notice, "the cluster's status lacks \(names.joined(separator: " ")): written once more")
        }
        missingNames = names
    }

    private mutating func note(_ attribute: NodeAttribute, _ failure: String?) {
        let text = "\(attribute.key)=\(attribute.value ?? "(deleted)")"
        if let failure {
            attributeFailures += 1
            if attributeFailure != failure {
                log(.warning, "attribute \(text): \(failure)")
            }
            attributeFailure = failure
            return
        }
        if attributeFailure != nil {
            log(.notice, "attributes reach Pacemaker again")
        }
        attributeFailure = nil
        if given[attribute.key] != attribute.value {
            confirmed[attribute.key] = nil
            if !attribute.isPrivate {
                log(.notice, "attribute \(text)")
            }
        }
        given[attribute.key] = attribute.value
    }

    /// The name of a node, by number when it is unknown.
    func name(of id: NodeID) -> String {
        topology?.nodes.first { $0.id == id }?.name ?? "node \(id)"
    }
}
