// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension Coordinator {
    private static let coalescing = Duration.milliseconds(20)
    private static let refresh = Duration.milliseconds(900)
    private static let lossyPermille = 50

    /// So many messages a second are enough, whatever happens.
    private static let messagesPerSecond = 20

    /// Takes a message of the group.
    mutating func take(_ bytes: [UInt8], from sender: NodeID, at now: MonotonicTime) {
        let message: GroupMessage
        do {
            message = try GroupMessage(decoding: bytes)
        } catch {
            reject(from: sender, because: error)
            return
        }
        guard message.node == sender else {
            rejectedMessages += 1
            return
        }
        if sender == topology?.localNode {
            confirmDelivery(of: message, at: now)
            return
        }
        guard peers[sender] != nil else {
            return
        }
        switch message.kind {
        case .hello, .view:
            peers[sender]?.view = message
            peers[sender]?.viewArrived = now
            peers[sender]?.owesView = false
            if message.kind == .hello {
                lastViewAt = nil
            }
        case .bye:
            daemonLoss.saidGoodbye(sender)
            log(.notice, "the heartbeat of \(name(of: sender)) ends")
        case .admin: obey(orderOf: sender, message.reason, at: now)
        case .verdict:
            // What it computed, for comparison; a view that is newer has that too.
            if let view = peers[sender]?.view, view.incarnation == message.incarnation, view.sequence < message.sequence
            {
                peers[sender]?.view?.verdicts = message.verdicts
            }
        }
    }

    /// Counts a message that is not understood; only the first is worth a line.
    mutating func reject(from sender: NodeID, because reason: GroupMessage.Malformed) {
        rejectedMessages += 1
        if rejectedMessages == 1 {
            log(.warning, "a message from \(name(of: sender)) is not understood (\(reason)); is its version newer?")
        }
    }

    private mutating func confirmDelivery(of message: GroupMessage, at now: MonotonicTime) {
        guard message.incarnation == incarnation else {
            return
        }
        selfDelivery = now - MonotonicTime(nanoseconds: message.sentAt)
        unconfirmed.removeAll { $0.sequence <= message.sequence }
    }

    /// Sends our view when it has changed or grown old, and tells the probes what to say.
    mutating func speak(at now: MonotonicTime) {
        let content = currentProbeContent(at: now)
        if content != probeContent {
            probeContent = content
            effects.append(.probes(content))
        }
        guard joinedAt != nil, topology != nil, !localLinks.isEmpty else {
            return
        }
        spoken.removeAll { now - $0 >= .seconds(1) }
        guard spoken.count < Self.messagesPerSecond else {
            // Looked at again with the next tick.
            lastLook = nil
            return
        }
        if owesHello {
            owesHello = false
            send(message(.hello, at: now), at: now)
            return
        }
        let view = message(.view, at: now)
        let age = lastViewAt.map { now - $0 }
        let isChanged = lastView.map { !$0.saysTheSame(as: view) } ?? true
        guard age.map({ isChanged && $0 >= Self.coalescing || $0 >= Self.refresh }) ?? true else {
            if isChanged {
                // Too soon after the last one: looked at again with the next tick.
                lastLook = nil
            }
            return
        }
        if let lastView, lastView.saysTheSame(as: view, besidesVerdicts: true), age.map({ $0 < Self.refresh }) ?? false
        {
            tellVerdicts(of: view, at: now)
            return
        }
        send(view, at: now)
    }

    /// Tells others what we concluded anew from evidence that is the same, without all that evidence.
    private mutating func tellVerdicts(of view: GroupMessage, at now: MonotonicTime) {
        sequence += 1
        var verdict = view.verdictAlone
        verdict.sequence = sequence
        lastView?.verdicts = view.verdicts
        spoken.append(now)
        if unconfirmed.count < 600 {
            unconfirmed.append((sequence, now))
        }
        effects.append(.multicast(.verdict, verdict.encoded()))
    }

    private mutating func send(_ message: GroupMessage, at now: MonotonicTime) {
        sequence += 1
        var message = message
        message.sequence = sequence
        lastView = message
        lastViewAt = now
        spoken.append(now)
        // Ten minutes of stall are enough to remember.
        if unconfirmed.count < 600 {
            unconfirmed.append((sequence, now))
        }
        effects.append(.multicast(message.kind, message.encoded()))
    }

    /// Our present view as a message.
    func message(_ kind: GroupMessage.Kind, at now: MonotonicTime) -> GroupMessage {
        var flags: GroupMessage.Flags = []
        if now - startedAt < timers.initdead {
            flags.insert(.starting)
        }
        if isLate(at: now) {
            flags.insert(.selfLate)
        }
        if isStopping {
            flags.insert(.stopping)
        }
        if isInMaintenance(at: now) {
            flags.insert(.maintenance)
        }
        if !configuration.uses(.probes) {
            flags.insert(.probesOff)
        }
        var message = GroupMessage(
            kind: kind,
            node: topology?.localNode ?? 0,
            flags: flags,
            incarnation: incarnation,
            sequence: sequence + 1,
            sentAt: now.nanoseconds,
            configurationHash: configuration.hash
        )
        message.nodeName = topology?.local?.name ?? ""
        message.softwareVersion = version
        message.policyDigest = configuration.policyDigest
        for link in topology?.links ?? [] {
            let local = localLinks[link]
            var record = LocalLinkRecord(
                link: link,
                hasCarrier: local?.hasCarrier ?? false,
                hasAddress: local?.hasAddress ?? false,
                receives: local?.receives ?? true
            )
            record.speed = local?.speed ?? 0
            record.receivedDelta = local?.receivedDelta ?? 0
            record.interface = local?.interface ?? ""
            message.localLinks.append(record)
            message.pings.append(pingRecord(link, at: now))
        }
        for peer in peers.values.sorted(by: { $0.id < $1.id }) {
            message.peerLinks += records(of: peer, at: now)
        }
        // What decides comes first: the end is left out when there is too much.
        let isDesignated = { (record: PeerLinkRecord) in health[record.link] != nil }
        message.peerLinks = message.peerLinks.filter(isDesignated) + message.peerLinks.filter { !isDesignated($0) }
        message.verdicts = verdicts.sorted { $0.key < $1.key }.map {
            VerdictRecord(link: $0.key, reason: $0.value.reason, faulty: $0.value.faulty.sorted())
        }
        return message
    }

    private func pingRecord(_ link: UInt8, at now: MonotonicTime) -> PingRecord {
        let own = ownEvidence(link)
        var record = PingRecord(
            link: link,
            total: UInt8(clamping: own.pingTotal),
            alive: UInt8(clamping: own.pingAlive)
        )
        record.kind = pingKinds[link] ?? .unknown
        record.targets = (pings[link] ?? [:]).sorted { $0.key < $1.key }.map { target, monitor in
            PingRecord.Target(
                address: target,
                isAlive: monitor.isAlive,
                roundTripMicroseconds: UInt32(clamping: (monitor.roundTrip?.wholeNanoseconds ?? 0) / 1000),
                ageMilliseconds: monitor.lastReply.map { (now - $0).clampedMilliseconds } ?? UInt32.max
            )
        }
        return record
    }

    private func records(of peer: Peer, at now: MonotonicTime) -> [PeerLinkRecord] {
        peer.monitors.sorted { $0.key < $1.key }.map { link, monitor in
            var record = PeerLinkRecord(
                peer: peer.id,
                link: link,
                state: monitor.state,
                hears: Tristate(peer.hears(link)),
                isHeard: Tristate(peer.hearsUs(link, us: topology?.localNode ?? 0))
            )
            record.sources = (monitor.hears == nil ? 0 : 2) | (peer.knet[link] == nil ? 0 : 4)
            record.flaps = UInt8(clamping: monitor.flaps.count(at: now))
            record.lossPermille = UInt16(clamping: monitor.lossPermille(at: now))
            record.roundTripMicroseconds = UInt32(clamping: (peer.roundTrip[link]?.wholeNanoseconds ?? 0) / 1000)
            record.probeAgeMilliseconds = monitor.lastHeard.map { (now - $0).clampedMilliseconds } ?? UInt32.max
            record.stateAgeMilliseconds = (now - monitor.since).clampedMilliseconds
            record.missingTotal = UInt32(clamping: monitor.missingTotal)
            record.jitterMicroseconds = UInt32(clamping: monitor.jitter.wholeNanoseconds / 1000)
            record.knetEnabled = peer.knet[link] == nil ? .unknown : .yes
            record.knetConnected = Tristate(peer.knet[link]?.isConnected)
            return record
        }
    }

    /// Whether a link loses probes in either direction; the peer measures what becomes of ours.
    private func isLossy(_ peer: Peer, _ link: UInt8, _ monitor: LinkMonitor, at now: MonotonicTime) -> Bool {
        lossPermille(peer, link, monitor, at: now) >= Self.lossyPermille
    }

    /// The loss in the worse direction.
    private func lossPermille(_ peer: Peer, _ link: UInt8, _ monitor: LinkMonitor, at now: MonotonicTime) -> Int {
        max(reportedLoss(peer, link), monitor.lossPermille(at: now))
    }

    /// What becomes of our probes, as the peer's last view says.
    private func reportedLoss(_ peer: Peer, _ link: UInt8) -> Int {
        Int(peer.view?.peerLinks.first { $0.peer == topology?.localNode && $0.link == link }?.lossPermille ?? 0)
    }

    /// Whether a direction of a link is down and still loses more than a link may that is to be up again.
    ///
    /// Only the loss of the direction that is down counts: a cut as short as the dead time takes one direction down and
    /// leaves the other up with a few lost probes in its window, which say nothing of what comes after the mend.
    func losesTooMuch(_ link: UInt8, at now: MonotonicTime) -> Bool {
        peers.values.contains { peer in
            guard ring.contains(peer.id), let monitor = peer.monitors[link] else {
                return false
            }
            let here = peer.hears(link) == false ? monitor.lossPermille(at: now) : 0
            let there = peer.hearsUs(link, us: topology?.localNode ?? 0) == false ? reportedLoss(peer, link) : 0
            return max(here, there) > timers.lossUpPermille
        }
    }

    private func currentProbeContent(at now: MonotonicTime) -> ProbeContent {
        var content = ProbeContent()
        for peer in peers.values {
            var entry = ProbeContent.Peer()
            entry.incarnation = peer.incarnation ?? 0
            for link in peer.monitors.keys where link < 8 && peer.hears(link) == true {
                entry.hears |= 1 << link
            }
            for (link, monitor) in peer.monitors where link < 8 && isLossy(peer, link, monitor, at: now) {
                entry.lossy |= 1 << link
            }
            content.peers[peer.id] = entry
        }
        for link in topology?.links ?? [] where link < 8 {
            let own = ownEvidence(link)
            content.pings |= own.reachesTargets ? 1 << link : 0
            content.carriers |= own.hasCarrier ? 1 << link : 0
        }
        content.flags = isLate(at: now) ? 4 : 0
        return content
    }
}

extension GroupMessage {
    /// Whether two views differ in nothing but ages, counters and measurements.
    func saysTheSame(as other: GroupMessage, besidesVerdicts: Bool = false) -> Bool {
        guard flags == other.flags, besidesVerdicts || verdicts == other.verdicts,
            peerLinks.count == other.peerLinks.count, localLinks.count == other.localLinks.count,
            pings.count == other.pings.count,
            zip(localLinks, other.localLinks).allSatisfy({ $0.saysTheSame(as: $1) }),
            zip(pings, other.pings).allSatisfy({ $0.saysTheSame(as: $1) })
        else {
            return false
        }
        return zip(peerLinks, other.peerLinks).allSatisfy {
            $0.peer == $1.peer && $0.link == $1.link && $0.state == $1.state && $0.hears == $1.hears
                && $0.isHeard == $1.isHeard && $0.knetConnected == $1.knetConnected
        }
    }
}

extension GroupMessage {
    /// The verdicts without what they were made of.
    var verdictAlone: GroupMessage {
        var message = self
        message.kind = .verdict
        message.localLinks = []
        message.peerLinks = []
        message.pings = []
        return message
    }
}

extension LocalLinkRecord {
    fileprivate func saysTheSame(as other: LocalLinkRecord) -> Bool {
        var same = other
        same.receivedDelta = receivedDelta
        return same == self
    }
}

extension PingRecord {
    fileprivate func saysTheSame(as other: PingRecord) -> Bool {
        link == other.link && total == other.total && alive == other.alive && kind == other.kind
            && targets.map(\.address) == other.targets.map(\.address)
            && targets.map(\.isAlive) == other.targets.map(\.isAlive)
    }
}
