// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import IPVS
import LinuxKit

/// Reads the kernel's connection table, one order after the other; a long table holds up nothing else.
struct TableThread: Sendable {
    /// What to do.
    enum Order: Sendable {
        case count(ConnectionMemory)
        case localKeys(ConnectionMemory)
        /// Send the table to a member that asks for it.
        case snapshot(RelayEnvelope.SnapshotID, RelayEnvelope.Scope, RelayEnvelope, ConnectionMemory)
    }

    private static let path = "/proc/net/ip_vs_conn_sync"
    /// Bytes a second: small beside what Corosync carries, 100 000 connections in two seconds.
    private static let rate = 2_000_000.0
    /// Entries up to which the table is read without need: for each page of the file Linux 6.1 goes through all that is
    /// before it, so that a table of ten times as many takes a hundred times as long.
    private static let countLimit = 20_000
    /// What is kept in memory of keys; a director with more takes what it knows already once more.
    private static let mostKeys = 2_000_000
    /// Entries that the main thread is given at a time.
    private static let readings = 1000

    private let events: Mailbox<RelayEvent>
    private let orders: Mailbox<Order>
    private let outbox: GroupOutbox<RelayQueue>

    init(events: Mailbox<RelayEvent>, outbox: GroupOutbox<RelayQueue>) throws(SystemError) {
        self.events = events
        self.outbox = outbox
        orders = try Mailbox()
    }

    func post(_ order: Order) { orders.post(order) }

    func start() {
        // Not for Corosync, but it starts threads well.
        CorosyncThread.start("relay-table") { run() }
    }

    private func run() {
        while true {
            orders.wait(.seconds(3600))
            let turn = orders.drain()
            for (place, order) in turn.enumerated() where !Self.isOutdated(order, by: turn[(place + 1)...]) {
                do {
                    try obey(order)
                } catch {
                    events.post(.log(.warning, "\(error)"))
                    answerNothing(order)
                }
            }
        }
    }

    /// Whether the one who asked for a snapshot has given up waiting and asked again.
    private static func isOutdated(_ order: Order, by later: ArraySlice<Order>) -> Bool {
        guard case .snapshot(let id, _, _, _) = order else {
            return false
        }
        return later.contains {
            guard case .snapshot(let other, _, _, _) = $0 else {
                return false
            }
            return other.requester == id.requester
        }
    }

    /// Somebody waits for every answer.
    private func answerNothing(_ order: Order) {
        switch order {
        case .count: events.post(.counted(local: 0, total: 0))
        case .localKeys: events.post(.localKeys([]))
        case .snapshot: break
        }
    }

    private func obey(_ order: Order) throws {
        switch order {
        case .count(let memory):
            let counts = try count(memory)
            events.post(.counted(local: counts.local, total: counts.total))
        case .localKeys(let memory):
            var keys: Set<ConnectionKey> = []
            if let memory = try substitute(memory) {
                memory.forEach(at: .now) { record, isLocal in
                    if isLocal, let connection = SyncConnection(decoding: record[...]) {
                        keys.insert(connection.key)
                    }
                }
            } else {
                try scan { entry, _ in
                    if entry.isLocal, keys.count < Self.mostKeys {
                        keys.insert(entry.key)
                    }
                }
            }
            events.post(.localKeys(keys))
        case .snapshot(let id, let scope, let envelope, let memory):
            try send(id, scope, envelope, try substitute(memory))
        }
    }

    /// What the kernel says at once: how many connections are bound to servers, and how many of them are active.
    private func bound() throws -> (total: UInt64, active: UInt64) {
        guard access(Self.path, F_OK) == 0 else {
            // Without IPVS there are no connections.
            return (0, 0)
        }
        var client = try IPVSClient()
        return try client.table(counters: false).flatMap(\.destinations).reduce((0, 0)) {
            ($0.0 + UInt64($1.activeConnections) + UInt64($1.inactiveConnections), $0.1 + UInt64($1.activeConnections))
        }
    }

    /// The memory, when it serves instead of the table: that is long, and hardly any active connection of it is missing.
    private func substitute(_ memory: ConnectionMemory) throws -> ConnectionMemory? {
        let bound = try bound()
        guard bound.total >= Self.countLimit, !memory.isFull else {
            return nil
        }
        return UInt64(memory.counts(at: .now).active) * 100 >= bound.active * 99 ? memory : nil
    }

    private func count(_ memory: ConnectionMemory) throws -> (local: UInt32, total: UInt32) {
        if let memory = try substitute(memory) {
            let counts = memory.counts(at: .now)
            return (UInt32(clamping: counts.local), UInt32(clamping: counts.total))
        }
        let bound = try bound().total
        guard bound < Self.countLimit else {
            return (RelayEnvelope.uncounted, UInt32(clamping: bound))
        }
        var local: UInt32 = 0
        var total: UInt32 = 0
        // Those that are bound to no server may be many as well.
        try read { entry in
            total += 1
            local += entry.isLocal ? 1 : 0
            return total < Self.countLimit
        }
        return (total < Self.countLimit ? local : RelayEnvelope.uncounted, total)
    }

    /// Reads the table until `body` has enough.
    private func read(_ body: (TableEntry) -> Bool) throws(SystemError) {
        guard access(Self.path, F_OK) == 0 else {
            return
        }
        let reader = try LineReader(Self.path)
        while let line = try reader.next() {
            // What the agent's own service for a short exposure makes is nobody's connection.
            if let entry = TableEntry(line), !entry.key.virtual.address.isLoopback, !body(entry) {
                return
            }
        }
    }

    /// Reads the whole table, with the record of each entry that can be told, and lets the memory know what it may have missed.
    private func scan(_ body: (TableEntry, SyncConnection?) -> Void) throws {
        guard access(Self.path, F_OK) == 0 else {
            return
        }
        var client = try IPVSClient()
        let services = ServiceLookup(try client.table(counters: false))
        var readings: [ConnectionMemory.Reading] = []
        try read { entry in
            let connection = services.match(entry).flatMap { SnapshotRecord.make(entry, $0) }
            if let connection {
                readings.append(ConnectionMemory.Reading(connection.record, isLocal: entry.isLocal))
            }
            if readings.count == Self.readings {
                events.post(.learned(readings))
                readings.removeAll(keepingCapacity: true)
            }
            body(entry, connection)
            return true
        }
        events.post(.learned(readings))
    }

    private func send(
        _ id: RelayEnvelope.SnapshotID,
        _ scope: RelayEnvelope.Scope,
        _ envelope: RelayEnvelope,
        _ memory: ConnectionMemory?
    ) throws {
        var packer = DatagramPacker(syncID: 1)
        var sender = SnapshotSender(id, envelope, outbox, rate: Self.rate)
        var records: UInt32 = 0
        var skipped: UInt32 = 0
        let tell = { (record: [UInt8]) in
            records += 1
            if let full = packer.add(record) {
                sender.add(full)
            }
        }
        if let memory {
            memory.forEach(at: .now) { record, isLocal in
                if scope == .all || isLocal {
                    tell(record)
                }
            }
        } else {
            try scan { entry, connection in
                sender.showProgress()
                if scope == .all || entry.isLocal {
                    if let connection {
                        tell(connection.record)
                    } else {
                        skipped += 1
                    }
                }
            }
        }
        if let last = packer.finish() {
            sender.add(last)
        }
        sender.end(records: records, skipped: skipped)
        let source = memory == nil ? "read from the kernel's table" : "as they were sent and received"
        events.post(.log(.notice, "told node \(id.requester) \(records) connections, \(source)"))
        events.post(.snapshotSent(records: records, skipped: skipped, isRemembered: memory != nil))
    }
}
