// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import IPVS
import LinuxKit

/// Reads the kernel's connection table, one order after the other; a long table holds up nothing else.
struct TableThread: Sendable {
    /// What to do.
    enum Order: Sendable {
        case count
        case localKeys
        /// Send the table to a member that asks for it.
        case snapshot(RelayEnvelope.SnapshotID, RelayEnvelope.Scope, RelayEnvelope)
    }

    private static let path = "/proc/net/ip_vs_conn_sync"
    /// Bytes a second: small beside what Corosync carries, 100 000 connections in two seconds.
    private static let rate = 2_000_000.0
    /// Entries up to which the table is read only to count it: for each page of the file the kernel goes through all that is
    /// before it, so that a table of ten times as many takes a hundred times as long.
    private static let countLimit = 20_000
    /// What is kept in memory of keys; a director with more takes what it knows already once more.
    private static let mostKeys = 2_000_000

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
        guard case .snapshot(let id, _, _) = order else {
            return false
        }
        return later.contains {
            guard case .snapshot(let other, _, _) = $0 else {
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
        case .count:
            let counts = try count()
            events.post(.counted(local: counts.local, total: counts.total))
        case .localKeys:
            var keys: Set<ConnectionKey> = []
            try read { entry in
                if entry.isLocal {
                    keys.insert(entry.key)
                }
                return keys.count < Self.mostKeys
            }
            events.post(.localKeys(keys))
        case .snapshot(let id, let scope, let envelope):
            try send(id, scope, envelope)
        }
    }

    /// Of a long table the kernel says at once how many of its connections are bound to servers, and no more is asked.
    private func count() throws -> (local: UInt32, total: UInt32) {
        guard access(Self.path, F_OK) == 0 else {
            return (0, 0)
        }
        var client = try IPVSClient()
        let bound = try client.table(counters: false).flatMap(\.destinations).reduce(0 as UInt64) {
            $0 + UInt64($1.activeConnections) + UInt64($1.inactiveConnections)
        }
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
            // Without IPVS there are no connections.
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

    private func send(_ id: RelayEnvelope.SnapshotID, _ scope: RelayEnvelope.Scope, _ envelope: RelayEnvelope) throws {
        var client = try IPVSClient()
        let services = ServiceLookup(try client.table(counters: false))
        var packer = DatagramPacker(syncID: 1)
        var sender = SnapshotSender(id, envelope, outbox, rate: Self.rate)
        var records: UInt32 = 0
        var skipped: UInt32 = 0
        try read { entry in
            sender.showProgress()
            guard scope == .all || entry.isLocal else {
                return true
            }
            guard let match = services.match(entry), let connection = SnapshotRecord.make(entry, match) else {
                skipped += 1
                return true
            }
            records += 1
            if let full = packer.add(connection.record) {
                sender.add(full)
            }
            return true
        }
        if let last = packer.finish() {
            sender.add(last)
        }
        sender.end(records: records, skipped: skipped)
        events.post(.snapshotSent(records: records, skipped: skipped))
    }
}
