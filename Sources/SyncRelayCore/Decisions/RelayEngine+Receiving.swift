// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What comes from the other directors.
extension RelayEngine {
    /// Takes a message.
    ///
    /// - Parameters:
    ///   - bytes: The envelope.
    ///   - sender: The node that it is proven to be from.
    ///   - lane: How it came.
    ///   - now: The time.
    public mutating func received(
        _ bytes: [UInt8],
        from sender: UInt32,
        over lane: Lane,
        at now: SuspendingClock.Instant
    ) {
        let envelope: RelayEnvelope
        do throws(RelayEnvelope.Malformation) {
            envelope = try RelayEnvelope(decoding: bytes)
        } catch {
            statistics.badEnvelopes += 1
            return complain("bad \(sender)", .warning, "node \(sender) sent what is not understood: \(error)", now)
        }
        guard envelope.node == sender else {
            statistics.badEnvelopes += 1
            return complain("bad \(sender)", .error, "node \(sender) sent in the name of \(envelope.node)", now)
        }
        guard sender != node else {
            if envelope.incarnation == incarnation, case .data = envelope.content {
                delivered(envelope.sequence, at: now)
            }
            return
        }
        guard know(envelope, lane, now) else {
            return
        }
        take(envelope, now)
        if let last = packer.finish() {
            inject(last)
        }
    }

    /// Brings the sender's entry up to date.
    ///
    /// - Returns: False when the envelope is not to be taken: repeated, or of a run that the group has not introduced.
    private mutating func know(_ envelope: RelayEnvelope, _ lane: Lane, _ now: SuspendingClock.Instant) -> Bool {
        var isData = false
        if case .data = envelope.content {
            isData = true
        }
        if peers[envelope.node]?.incarnation != envelope.incarnation {
            guard lane == .group else {
                return false
            }
            // What came before is asked for; what comes from here on is counted.
            let last = isData ? envelope.sequence &- 1 : envelope.sequence
            peers[envelope.node] = RelayPeer(
                incarnation: envelope.incarnation,
                sequence: SequenceTracker(after: last),
                heardAt: now
            )
        }
        peers[envelope.node]?.heardAt = now
        guard isData else {
            peers[envelope.node]?.sequence.advance(to: envelope.sequence)
            return true
        }
        return peers[envelope.node]?.sequence.take(envelope.sequence) == .new
    }

    private mutating func take(_ envelope: RelayEnvelope, _ now: SuspendingClock.Instant) {
        switch envelope.content {
        case .data(let datagrams):
            for bytes in datagrams {
                takeData(bytes, envelope.node, now)
            }
        case .hello(let local, let total):
            peers[envelope.node]?.localConnections = local == RelayEnvelope.uncounted ? nil : local
            peers[envelope.node]?.totalConnections = total
            planner.counted(envelope.node, local: local, total: total)
        case .snapshotRequest(let id, let target, let scope):
            if target == node, id.requester == envelope.node {
                effects.append(.sendSnapshot(id, scope))
            }
        case .snapshotData(let id, let datagrams):
            guard id.requester == node, planner.isCurrent(id.number, envelope.node) else {
                return
            }
            var taken = 0
            var sparedCount = 0
            for bytes in datagrams {
                takeSnapshot(bytes, &taken, &sparedCount, now)
            }
            _ = planner.part(id.number, from: envelope.node, records: taken, spared: sparedCount, at: now)
        case .snapshotEnd(let id, let parts, _, let skipped):
            guard id.requester == node, planner.isCurrent(id.number, envelope.node) else {
                return
            }
            planner.ended(id.number, from: envelope.node, parts: parts, skipped: skipped, at: now)
            spared = nil
            if let last = planner.last {
                let time = (last.ended - last.began).milliseconds()
                let text =
                    "node \(last.target) told \(last.records) connections in \(time) ms, \(last.spared) known better here"
                effects.append(.log(.notice, text))
            }
        case .bye:
            effects.append(.log(.notice, "the relay of node \(envelope.node) ends"))
        }
    }

    private mutating func takeData(_ bytes: [UInt8], _ sender: UInt32, _ now: SuspendingClock.Instant) {
        guard var datagram = try? SyncDatagram(bytes) else {
            statistics.malformed += 1
            return
        }
        peers[sender]?.datagrams += 1
        peers[sender]?.records += UInt64(datagram.records.count)
        guard datagram.version == .one else {
            guard settings.services.takesAll else {
                statistics.unwantedRecords += UInt64(datagram.records.count)
                return
            }
            datagram.syncID = settings.backupSyncID
            statistics.injectedRecords += UInt64(datagram.records.count)
            return inject(datagram.bytes)
        }
        for record in datagram.records {
            if spared != nil, let connection = datagram.connection(record) {
                // What comes now is newer than what the open request will bring.
                spared?.insert(connection.key)
            }
            pack(datagram.bytes[record], now)
        }
    }

    private mutating func takeSnapshot(
        _ bytes: [UInt8],
        _ taken: inout Int,
        _ sparedCount: inout Int,
        _ now: SuspendingClock.Instant
    ) {
        guard let datagram = try? SyncDatagram(bytes), datagram.version == .one else {
            statistics.malformed += 1
            return
        }
        for record in datagram.records {
            if let spared, !spared.isEmpty, let connection = datagram.connection(record),
                spared.contains(connection.key)
            {
                sparedCount += 1
            } else {
                taken += 1
                pack(datagram.bytes[record], now)
            }
        }
    }

    private mutating func pack(_ record: ArraySlice<UInt8>, _ now: SuspendingClock.Instant) {
        guard
            settings.services.takesAll
                || SyncConnection(decoding: record).map({ settings.services.takes($0.key) }) ?? false
        else {
            statistics.unwantedRecords += 1
            return
        }
        memory.received(record, at: now)
        statistics.injectedRecords += 1
        if let full = packer.add(record) {
            inject(full)
        }
    }

    private mutating func inject(_ datagram: [UInt8]) {
        statistics.injectedDatagrams += 1
        effects.append(.inject(datagram))
    }
}
