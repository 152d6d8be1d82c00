// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The relay's decisions: takes what the kernel and the other directors sent and says what is to be done; no I/O.
///
/// Every input may leave ``RelayEffect``s, which the caller takes with ``takeEffects()``.
public struct RelayEngine: Sendable {
    /// How envelopes reach us.
    public enum Lane: Sendable {
        /// Corosync's process group: the sender is proven, nothing is lost or repeated.
        case group
        /// Datagrams between the directors: authenticated, but perhaps lost, late or repeated.
        case datagram
    }

    /// How often the others are told that we are here.
    private static let greetingInterval = Duration.seconds(5)
    /// For a new member the table is counted, unless that was done so recently; for the others now and then.
    private static let countInterval = Duration.seconds(10)
    private static let recountInterval = Duration.seconds(60)
    /// Envelopes may be missing for so long without being lost.
    private static let lossPatience = Duration.seconds(2)
    private static let repairInterval = Duration.seconds(15)
    private static let complaintInterval = Duration.seconds(10)
    /// A process group that is slower than this for a while gets no mere refreshes.
    private static let slowDelivery = Duration.milliseconds(500)

    /// What it depends on.
    public let settings: RelaySettings

    /// This run.
    public let incarnation: UInt64

    /// What was counted.
    public internal(set) var statistics = RelayStatistics()

    /// The other members by node.
    public internal(set) var peers: [UInt32: RelayPeer] = [:]

    /// Our node in the group; nil while we are in none.
    public private(set) var node: UInt32?

    /// Since when that is so.
    public private(set) var stateSince: SuspendingClock.Instant

    /// Why we are in no group.
    public private(set) var separation = "connecting"

    /// The requests for missed connections.
    public internal(set) var planner: ResyncPlanner

    /// What was sent and received of every connection.
    public internal(set) var memory: ConnectionMemory

    /// How long our own envelopes took to come back through the group lately.
    public private(set) var deliveryTime: Duration?

    /// The number of the last envelope with data.
    public private(set) var sequence: UInt64 = 0

    var effects: [RelayEffect] = []
    var packer: DatagramPacker
    /// Connections that are known better here than to the answer of our open request.
    var spared: Set<ConnectionKey>?
    var pendingRequest: ResyncPlanner.Request?

    private var members: [UInt32] = []
    private var batch: [[UInt8]] = []
    private var batchLength = 0
    private var batchRecords = 0
    private var batchSince: SuspendingClock.Instant?
    private var sentAt: SuspendingClock.Instant?
    private var backlog: [Waiting] = []
    private var backlogBytes = 0
    private var bytes: TokenBucket
    private var envelopes: TokenBucket
    private var refreshes = RefreshFilter()
    private var greetedAt: SuspendingClock.Instant?
    private var countedAt: SuspendingClock.Instant?
    private var counts: (local: UInt32, total: UInt32) = (0, 0)
    private var isCounting = false
    private var inFlight: [(sequence: UInt64, at: SuspendingClock.Instant)] = []
    private var slowSince: SuspendingClock.Instant?
    private var complaints: [String: SuspendingClock.Instant] = [:]

    private struct Waiting {
        let datagrams: [[UInt8]]
        let length: Int
        let records: Int
        let since: SuspendingClock.Instant
    }

    /// Begins outside of any group.
    public init(_ settings: RelaySettings, incarnation: UInt64, at now: SuspendingClock.Instant) {
        self.settings = settings
        self.incarnation = incarnation
        stateSince = now
        planner = ResyncPlanner(firstNumber: UInt32(truncatingIfNeeded: incarnation))
        packer = DatagramPacker(syncID: settings.backupSyncID)
        memory = ConnectionMemory(at: now)
        bytes = TokenBucket(rate: settings.byteRate, size: settings.byteRate / 4)
        envelopes = TokenBucket(rate: settings.envelopeRate, size: settings.envelopeRate / 4)
    }

    /// Gives what is to be done, in its order.
    public mutating func takeEffects() -> [RelayEffect] {
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    /// When ``tick(at:)`` should be called at the latest.
    public mutating func nextTick(at now: SuspendingClock.Instant) -> Duration {
        var wait = Duration.milliseconds(200)
        if let batchSince {
            wait = min(wait, max(.zero, batchSince + settings.batchDelay - now))
        }
        if !backlog.isEmpty {
            wait = min(wait, max(bytes.wait(at: now), envelopes.wait(at: now)))
        }
        return max(wait, .milliseconds(1))
    }

    /// Whether the group is slow, so that only news is sent.
    public var isSaving: Bool { slowSince != nil }

    // MARK: - From the local kernel

    /// Takes a datagram of the local master daemon.
    public mutating func captured(_ bytes: [UInt8], at now: SuspendingClock.Instant) {
        statistics.capturedDatagrams += 1
        let datagram: SyncDatagram
        do throws(SyncDatagram.Malformation) {
            datagram = try SyncDatagram(bytes)
        } catch {
            statistics.malformed += 1
            return complain("malformed", .warning, "the kernel sent a datagram that is not understood: \(error)", now)
        }
        guard datagram.syncID == settings.syncID else {
            if datagram.syncID == settings.backupSyncID {
                statistics.echoes += 1
                let text = "the master's interface carries what we inject (syncid \(datagram.syncID)): not forwarded"
                return complain("echo", .error, text, now)
            }
            statistics.foreign += 1
            let text = "the master's datagrams have syncid \(datagram.syncID), not \(settings.syncID): not forwarded"
            return complain("foreign", .error, text, now)
        }
        statistics.capturedRecords += UInt64(datagram.records.count)
        // Also while nobody else is there: who comes later is told.
        if datagram.version == .one {
            for record in datagram.records {
                memory.sent(datagram.bytes[record], at: now)
            }
        }
        guard node != nil, !members.isEmpty else {
            statistics.unsent += 1
            return
        }
        guard let reduced = withoutRefreshes(datagram, now) else {
            return
        }
        let room = RelayEnvelope.room(for: reduced.bytes.count)
        if RelayEnvelope.headerLength + batchLength + room > settings.envelopeLength {
            flush(at: now)
        }
        batch.append(reduced.bytes)
        batchLength += room
        batchRecords += reduced.records
        batchSince = batchSince ?? now
        // When nothing was sent lately there is nothing to collect for.
        if sentAt.map({ now - $0 >= settings.batchDelay }) ?? true {
            batchSince = now - settings.batchDelay
        }
    }

    /// Leaves out records that only refresh timers when the transport has no room for everything.
    private mutating func withoutRefreshes(
        _ datagram: SyncDatagram,
        _ now: SuspendingClock.Instant
    ) -> (bytes: [UInt8], records: Int)? {
        guard datagram.version == .one else {
            return (datagram.bytes, datagram.records.count)
        }
        let room = min(bytes.fullness(at: now), envelopes.fullness(at: now))
        let isShort = isSaving || room < 0.25
        var news: [Range<Int>] = []
        for record in datagram.records where !refreshes.isRefresh(datagram.bytes[record]) || !isShort {
            news.append(record)
        }
        guard news.count < datagram.records.count else {
            return (datagram.bytes, datagram.records.count)
        }
        statistics.savedRefreshes += UInt64(datagram.records.count - news.count)
        var packer = DatagramPacker(syncID: datagram.syncID, limit: SyncDatagram.longest)
        for record in news {
            // The rest of a datagram is never longer than the whole.
            _ = packer.add(datagram.bytes[record])
        }
        return packer.finish().map { ($0, news.count) }
    }

    /// Closes the batch, so that it goes out as soon as the bounds allow.
    private mutating func flush(at now: SuspendingClock.Instant) {
        guard !batch.isEmpty else {
            return
        }
        let length = RelayEnvelope.headerLength + batchLength
        backlog.append(Waiting(datagrams: batch, length: length, records: batchRecords, since: now))
        backlogBytes += length
        batch = []
        batchLength = 0
        batchRecords = 0
        batchSince = nil
        pump(at: now)
    }

    private mutating func pump(at now: SuspendingClock.Instant) {
        var done = 0
        for waiting in backlog {
            if now - waiting.since > settings.longestDelay || backlogBytes > settings.backlogLimit {
                drop(waiting, now)
            } else if bytes.fullness(at: now) > 0, envelopes.take(1, at: now), let node {
                _ = bytes.take(Double(waiting.length), at: now)
                sequence += 1
                effects.append(
                    .sendData(envelope(.data(waiting.datagrams), node, capturedAt: Self.nanoseconds(waiting.since)))
                )
                statistics.sentEnvelopes += 1
                statistics.sentBytes += UInt64(waiting.length)
                sentAt = now
                if settings.dataComesBack {
                    inFlight.append((sequence, now))
                }
            } else {
                break
            }
            backlogBytes -= waiting.length
            done += 1
        }
        backlog.removeFirst(done)
        if inFlight.count > 1024 {
            inFlight.removeFirst(512)
        }
    }

    private mutating func drop(_ waiting: Waiting, _ now: SuspendingClock.Instant) {
        // The gap in the numbers tells the others that something is missing.
        sequence += 1
        statistics.droppedEnvelopes += 1
        statistics.droppedRecords += UInt64(waiting.records)
        complain("dropped", .warning, "more connections change than may be sent: some are dropped", now)
    }

    // MARK: - The group

    /// We are a member of the group.
    public mutating func joined(as node: UInt32, at now: SuspendingClock.Instant) {
        self.node = node
        stateSince = now
        planner.joined(at: now)
        effects.append(.log(.notice, "in the group as node \(node)"))
    }

    /// The connection to the group is lost.
    public mutating func separated(_ reason: String, at now: SuspendingClock.Instant) {
        if node != nil {
            effects.append(.log(.warning, "out of the group: \(reason)"))
            stateSince = now
        }
        separation = reason
        node = nil
        members = []
        peers = [:]
        batch = []
        batchLength = 0
        batchRecords = 0
        batchSince = nil
        backlog = []
        backlogBytes = 0
        inFlight = []
        deliveryTime = nil
        slowSince = nil
        spared = nil
        pendingRequest = nil
        planner.separated(at: now)
    }

    /// The members of the group, ourselves included.
    public mutating func members(_ nodes: [UInt32], at now: SuspendingClock.Instant) {
        let others = nodes.filter { $0 != node }
        for gone in members where !others.contains(gone) {
            peers[gone] = nil
            effects.append(.log(.notice, "node \(gone) has left"))
        }
        let new = others.filter { !members.contains($0) }
        for node in new {
            effects.append(.log(.notice, "node \(node) is there"))
        }
        members = others
        planner.members(others, at: now)
        if !new.isEmpty {
            // Whom we have told that there is nothing to ask for does not ask.
            greet(countsAfter: counts.local == 0 ? .zero : Self.countInterval, at: now)
        }
    }

    /// Tells the others that we are here and what we know, as soon as it is counted.
    private mutating func greet(countsAfter age: Duration, at now: SuspendingClock.Instant) {
        guard let node, !members.isEmpty, !isCounting else {
            return
        }
        greetedAt = now
        if countedAt.map({ now - $0 > age }) ?? true {
            isCounting = true
            effects.append(.countTable)
        } else {
            effects.append(.sendControl(envelope(.hello(local: counts.local, total: counts.total), node)))
        }
    }

    /// Takes the counts that ``RelayEffect/countTable`` asked for.
    public mutating func counted(local: UInt32, total: UInt32, at now: SuspendingClock.Instant) {
        counts = (local, total)
        isCounting = false
        countedAt = now
        if let node, !members.isEmpty {
            greetedAt = now
            effects.append(.sendControl(envelope(.hello(local: local, total: total), node)))
        }
    }

    /// Takes the keys that ``RelayEffect/readLocalKeys`` asked for: only then the request goes out.
    public mutating func localKeys(_ keys: Set<ConnectionKey>, at now: SuspendingClock.Instant) {
        guard let request = pendingRequest, let node else {
            return
        }
        pendingRequest = nil
        planner.asked(at: now)
        spared = (spared ?? []).union(keys)
        let id = RelayEnvelope.SnapshotID(requester: node, number: request.number)
        effects.append(.sendControl(envelope(.snapshotRequest(id, target: request.target, request.scope), node)))
        effects.append(.log(.notice, "asking node \(request.target) for \(request.scope) connections"))
    }

    /// Takes what was read of the kernel's table meanwhile.
    public mutating func learned(_ readings: [ConnectionMemory.Reading], at now: SuspendingClock.Instant) {
        for reading in readings {
            memory.read(reading, at: now)
        }
    }

    /// A member was sent the connections that it asked for.
    public mutating func snapshotSent(records: UInt32, skipped: UInt32, isRemembered: Bool) {
        statistics.snapshotsRemembered += isRemembered ? 1 : 0
        statistics.snapshotRecordsSent += UInt64(records)
        statistics.snapshotEntriesSkipped += UInt64(skipped)
    }

    /// Asks for everything again, as after a start.
    public mutating func resync(at now: SuspendingClock.Instant) {
        planner.joined(at: now)
    }

    /// What is to be done when time has passed.
    public mutating func tick(at now: SuspendingClock.Instant) {
        if let batchSince, now - batchSince >= settings.batchDelay {
            flush(at: now)
        } else if !backlog.isEmpty {
            pump(at: now)
        }
        memory.sweep(at: now)
        guard let node else {
            return
        }
        if greetedAt.map({ now - $0 > Self.greetingInterval }) ?? true {
            greet(countsAfter: Self.recountInterval, at: now)
        }
        noticeLosses(at: now)
        if settings.resync, pendingRequest == nil, let request = planner.next(at: now) {
            pendingRequest = request
            spared = []
            effects.append(.readLocalKeys)
        }
        if planner.current == nil, pendingRequest == nil {
            spared = nil
        }
        if let oldest = inFlight.first, now - oldest.at > Self.slowDelivery {
            slowSince = slowSince ?? now
            complain("slow", .warning, "corosync takes long: only news is sent (node \(node))", now)
        }
    }

    private mutating func noticeLosses(at now: SuspendingClock.Instant) {
        for (node, var peer) in peers {
            let missing = peer.sequence.missing
            if missing <= peer.settledMissing {
                peer.settledMissing = missing
                peer.missingSince = nil
            } else if let since = peer.missingSince {
                if now - since > Self.lossPatience, peer.repairedAt.map({ now - $0 > Self.repairInterval }) ?? true {
                    let count = missing - peer.settledMissing
                    effects.append(.log(.warning, "\(count) envelopes of node \(node) are lost"))
                    peer.settledMissing = missing
                    peer.missingSince = nil
                    peer.repairedAt = now
                    planner.lost(from: node)
                }
            } else {
                peer.missingSince = now
            }
            peers[node] = peer
        }
    }

    /// Our goodbye.
    public mutating func stop() {
        if let node {
            effects.append(.sendControl(envelope(.bye, node)))
        }
    }

    // MARK: - Helpers

    /// One of our own envelopes with data came back through the group.
    mutating func delivered(_ sequence: UInt64, at now: SuspendingClock.Instant) {
        while let first = inFlight.first, first.sequence <= sequence {
            if first.sequence == sequence {
                deliveryTime = now - first.at
            }
            inFlight.removeFirst()
        }
        if inFlight.first.map({ now - $0.at <= Self.slowDelivery }) ?? true {
            slowSince = nil
        }
    }

    func envelope(_ content: RelayEnvelope.Content, _ node: UInt32, capturedAt: UInt64 = 0) -> [UInt8] {
        RelayEnvelope(
            node: node,
            incarnation: incarnation,
            sequence: sequence,
            capturedAt: capturedAt,
            content: content
        ).bytes
    }

    mutating func complain(
        _ topic: String,
        _ level: RelayLogLevel,
        _ text: String,
        _ now: SuspendingClock.Instant
    ) {
        if let last = complaints[topic], now - last < Self.complaintInterval {
            return
        }
        complaints[topic] = now
        effects.append(.log(level, text))
    }

    private static let epoch = SuspendingClock.now

    private static func nanoseconds(_ instant: SuspendingClock.Instant) -> UInt64 {
        let (seconds, attoseconds) = (instant - epoch).components
        return UInt64(max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000))
    }
}
