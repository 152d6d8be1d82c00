// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The last record of every connection that the local kernel sent or was given, so that a newcomer is told of many without a
/// reading of the kernel's table, which takes Linux 6.1 the square of its length.
///
/// It knows what a director knows that was here all the time: records as the kernel made them, until their time is over.
public struct ConnectionMemory: Sendable {
    /// How many there are.
    public struct Counts: Equatable, Sendable {
        /// Opened on this director.
        public var local = 0
        /// All.
        public var total = 0
        /// Those that the kernel counts as active at their servers.
        public var active = 0
    }

    /// A record of the kernel's table that was read.
    public struct Reading: Equatable, Sendable {
        /// Version 1, unpadded.
        public let record: [UInt8]
        /// Whether the connection was opened on this director.
        public let isLocal: Bool

        /// Joins them.
        public init(_ record: [UInt8], isLocal: Bool) {
            self.record = record
            self.isLocal = isLocal
        }
    }

    private struct Entry {
        var record: [UInt8]
        var deadline: UInt32
        var isLocal: Bool
    }

    private static let sweepInterval = Duration.seconds(60)
    private static let usualTimeout: UInt32 = 900
    private static let longestTimeout: UInt32 = 86_400
    private static let timeout = 20..<24
    /// `IP_VS_CONN_F_SYNC`: the sender had itself learned it.
    private static let learned: UInt32 = 0x20

    // A digest is shorter than what it stands for, and the same for two connections never.
    private var entries: [UInt128: Entry] = [:]
    private let limit: Int
    private let begin: SuspendingClock.Instant
    private var sweptAt: SuspendingClock.Instant

    /// Whether more connections came than it may keep: then it lacks some.
    public private(set) var isFull = false

    /// Begins with nothing.
    ///
    /// - Parameters:
    ///   - limit: The most connections that it keeps, some 150 bytes each.
    ///   - now: The time.
    public init(limit: Int = 2_000_000, at now: SuspendingClock.Instant) {
        self.limit = limit
        begin = now
        sweptAt = now
    }

    /// Remembers a record of the local kernel.
    ///
    /// - Parameters:
    ///   - record: Version 1, checked, unpadded; here and in the others.
    ///   - now: The time.
    public mutating func sent(_ record: ArraySlice<UInt8>, at now: SuspendingClock.Instant) {
        keep(record, at: now) { _ in Self.flags(record) & Self.learned == 0 }
    }

    /// Remembers a record that the local kernel is given; who opened a connection here does not change by that.
    public mutating func received(_ record: ArraySlice<UInt8>, at now: SuspendingClock.Instant) {
        keep(record, at: now) { $0?.isLocal ?? false }
    }

    /// Remembers what was read from the kernel's table, where nothing newer is known.
    public mutating func read(_ reading: Reading, at now: SuspendingClock.Instant) {
        let record = reading.record[...]
        if entries[Self.digest(record)].map({ $0.deadline < seconds(now) }) ?? true {
            keep(record, at: now) { _ in reading.isLocal }
        }
    }

    /// Forgets what has expired, now and then.
    public mutating func sweep(at now: SuspendingClock.Instant) {
        guard now - sweptAt >= Self.sweepInterval else {
            return
        }
        sweptAt = now
        let time = seconds(now)
        for key in entries.filter({ $0.value.deadline < time }).keys {
            entries[key] = nil
        }
        isFull = isFull && entries.count >= limit
    }

    /// How many have not expired.
    public func counts(at now: SuspendingClock.Instant) -> Counts {
        let time = seconds(now)
        var counts = Counts()
        for entry in entries.values where entry.deadline >= time {
            counts.total += 1
            counts.local += entry.isLocal ? 1 : 0
            counts.active += Self.isActive(entry.record[...]) ? 1 : 0
        }
        return counts
    }

    /// Gives every record that has not expired, with the time that is left to it.
    public func forEach(at now: SuspendingClock.Instant, _ body: (_ record: [UInt8], _ isLocal: Bool) -> Void) {
        let time = seconds(now)
        for entry in entries.values where entry.deadline >= time {
            var record = entry.record
            // 0 would be the receiver's full time.
            let left = max(1, entry.deadline - time)
            for (place, offset) in Self.timeout.enumerated() {
                record[offset] = UInt8(truncatingIfNeeded: left >> (24 - 8 * UInt32(place)))
            }
            body(record, entry.isLocal)
        }
    }

    private mutating func keep(
        _ record: ArraySlice<UInt8>,
        at now: SuspendingClock.Instant,
        _ isLocal: (Entry?) -> Bool
    ) {
        let start = record.startIndex
        // What the agent's own service for a short exposure makes is nobody's connection.
        guard record[start] & 1 == 1 || record[start + 28] != 127 else {
            return
        }
        let key = Self.digest(record)
        let known = entries[key]
        guard known != nil || entries.count < limit else {
            isFull = true
            return
        }
        let told = Self.number(record, Self.timeout)
        let timeout = told == 0 ? Self.usualTimeout : min(told, Self.longestTimeout)
        entries[key] = Entry(record: Array(record), deadline: seconds(now) + timeout, isLocal: isLocal(known))
    }

    private func seconds(_ now: SuspendingClock.Instant) -> UInt32 {
        UInt32(clamping: (now - begin).components.seconds)
    }

    /// Stands for the family, the protocol, the client's and the virtual service's end.
    private static func digest(_ record: ArraySlice<UInt8>) -> UInt128 {
        record.withUnsafeBytes { bytes in
            let end = bytes[0] & 1 == 1 ? 24 + 32 : 24 + 8
            func half(_ number: UInt8) -> UInt128 {
                var hasher = Hasher()
                hasher.combine(number)
                for range in [0..<2, 10..<14, 24..<end] {
                    hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes[range]))
                }
                return UInt128(UInt64(truncatingIfNeeded: hasher.finalize()))
            }
            return half(0) << 64 | half(1)
        }
    }

    private static func isActive(_ record: ArraySlice<UInt8>) -> Bool {
        let flags = SyncConnection.Flags(rawValue: flags(record))
        return flags.isDisjoint(with: [.inactive, .template])
    }

    private static func flags(_ record: ArraySlice<UInt8>) -> UInt32 { number(record, 4..<8) }

    private static func number(_ record: ArraySlice<UInt8>, _ range: Range<Int>) -> UInt32 {
        range.reduce(0) { $0 << 8 | UInt32(record[record.startIndex + $1]) }
    }
}
