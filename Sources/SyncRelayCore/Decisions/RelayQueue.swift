// SPDX-License-Identifier: Apache-2.0
import Corosync

/// What waits to be sent through the process group, bounded; orders before data, data before snapshots.
struct RelayQueue: MessageQueue {
    /// An envelope, by what becomes of it when the group is slow.
    enum Message: OutgoingMessage {
        /// What relays ask and tell each other: the newest are kept.
        case order([UInt8])
        /// Connections as they come: the newest are kept, and none that is older than two seconds.
        case data([UInt8])
        /// A part of a snapshot: it has to wait for room.
        case snapshot([UInt8])

        var bytes: [UInt8] {
            switch self {
            case .order(let bytes), .data(let bytes), .snapshot(let bytes): bytes
            }
        }
    }

    private static let orderLimit = 64
    private static let dataLimit = 1024
    private static let snapshotLimit = 32
    private static let longestDelay = Duration.seconds(2)

    private var held: Message?
    private var orders: [[UInt8]] = []
    private var data: [(bytes: [UInt8], since: SuspendingClock.Instant)] = []
    private var snapshots: [[UInt8]] = []

    /// Envelopes with data that were dropped because the group did not take them.
    private(set) var dropped: UInt64 = 0

    var isEmpty: Bool { held == nil && orders.isEmpty && data.isEmpty && snapshots.isEmpty }

    mutating func add(_ message: Message, at now: SuspendingClock.Instant) -> Bool {
        switch message {
        case .order(let bytes):
            if orders.count >= Self.orderLimit {
                orders.removeFirst()
            }
            orders.append(bytes)
        case .data(let bytes):
            if data.count >= Self.dataLimit {
                data.removeFirst()
                dropped += 1
            }
            data.append((bytes, now))
        case .snapshot(let bytes):
            guard snapshots.count < Self.snapshotLimit else {
                return false
            }
            snapshots.append(bytes)
        }
        return true
    }

    mutating func next(at now: SuspendingClock.Instant) -> Message? {
        if let message = held.take() {
            return message
        }
        if !orders.isEmpty {
            return .order(orders.removeFirst())
        }
        let old = data.prefix { now - $0.since > Self.longestDelay }.count
        data.removeFirst(old)
        dropped += UInt64(old)
        if !data.isEmpty {
            return .data(data.removeFirst().bytes)
        }
        return snapshots.isEmpty ? nil : .snapshot(snapshots.removeFirst())
    }

    mutating func putBack(_ message: Message) { held = message }

    mutating func forget() {
        dropped += UInt64(data.count)
        held = nil
        orders = []
        data = []
        snapshots = []
    }
}
