// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Synchronization

/// What waits to be sent through the process group, bounded; orders before data, data before snapshots.
final class GroupOutbox: Sendable {
    private struct State {
        var orders: [[UInt8]] = []
        var data: [(bytes: [UInt8], since: SuspendingClock.Instant)] = []
        var snapshots: [[UInt8]] = []
        var dropped: UInt64 = 0
    }

    private static let orderLimit = 64
    private static let dataLimit = 1024
    private static let snapshotLimit = 32
    private static let longestDelay = Duration.seconds(2)

    private let signal: OwnedDescriptor
    private let state = Mutex(State())

    init() throws(SystemError) {
        let flags = CInt(EFD_CLOEXEC | EFD_NONBLOCK)
        signal = OwnedDescriptor(owning: try systemCall("eventfd") { eventfd(0, flags) })
    }

    /// Readable when something was added.
    var descriptor: CInt { signal.raw }

    /// Envelopes with data that were dropped because the group did not take them.
    var dropped: UInt64 { state.withLock { $0.dropped } }

    func add(order: [UInt8]) {
        state.withLock { state in
            if state.orders.count >= Self.orderLimit {
                state.orders.removeFirst()
            }
            state.orders.append(order)
        }
        wake()
    }

    func add(data: [UInt8]) {
        state.withLock { state in
            if state.data.count >= Self.dataLimit {
                state.data.removeFirst()
                state.dropped += 1
            }
            state.data.append((data, .now))
        }
        wake()
    }

    /// Adds a part of a snapshot.
    ///
    /// - Returns: False when so many wait that the caller has to try again later.
    func add(snapshot: [UInt8]) -> Bool {
        let hasRoom = state.withLock { state in
            guard state.snapshots.count < Self.snapshotLimit else {
                return false
            }
            state.snapshots.append(snapshot)
            return true
        }
        if hasRoom {
            wake()
        }
        return hasRoom
    }

    /// Takes the next message; data that has waited too long is dropped.
    func next() -> [UInt8]? {
        state.withLock { state in
            if !state.orders.isEmpty {
                return state.orders.removeFirst()
            }
            let now = SuspendingClock.now
            let old = state.data.prefix { now - $0.since > Self.longestDelay }.count
            state.data.removeFirst(old)
            state.dropped += UInt64(old)
            if !state.data.isEmpty {
                return state.data.removeFirst().bytes
            }
            return state.snapshots.isEmpty ? nil : state.snapshots.removeFirst()
        }
    }

    /// Forgets everything: it was for a group that is gone.
    func clear() {
        state.withLock { state in
            state.dropped += UInt64(state.data.count)
            state.orders = []
            state.data = []
            state.snapshots = []
        }
    }

    /// Makes ``descriptor`` unreadable until the next addition.
    func acknowledge() {
        var count: UInt64 = 0
        // EAGAIN only means that nobody has added anything since.
        _ = read(signal.raw, &count, MemoryLayout<UInt64>.size)
    }

    private func wake() {
        var one: UInt64 = 1
        // A full counter (EAGAIN) is as readable as can be.
        _ = write(signal.raw, &one, MemoryLayout<UInt64>.size)
    }
}
