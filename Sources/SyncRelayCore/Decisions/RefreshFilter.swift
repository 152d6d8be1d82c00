// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Tells records that are news from those that only refresh a timer, for times when not everything can be sent.
///
/// A table of fixed size without chains: a connection that another one has pushed out counts as news, never the other way.
public struct RefreshFilter: Sendable {
    private var marks: [UInt64]

    /// Makes a filter.
    ///
    /// - Parameter bits: It remembers 2 to this power of connections, 8 bytes each.
    public init(bits: Int = 16) {
        marks = [UInt64](repeating: 0, count: 1 << bits)
    }

    /// Remembers a record of version 1.
    ///
    /// - Parameter record: Its bytes, checked before.
    /// - Returns: True when the last record of this connection had the same state, server and flags.
    public mutating func isRefresh(_ record: ArraySlice<UInt8>) -> Bool {
        // All but the time-out (20..<24) makes the mark; where it is kept depends on who speaks with whom only.
        var place: UInt64 = 0xcbf2_9ce4_8422_2325
        var mark = place
        let start = record.startIndex
        let fixed = min(record.count, SyncConnection.fixedLength(isIPv6: record[start] & 1 == 1))
        let addressEnd = 24 + (fixed - 24) * 2 / 3
        for offset in 0..<fixed where !(20..<24 ~= offset) {
            let byte = UInt64(record[start + offset])
            mark = (mark ^ byte) &* 0x0000_0100_0000_01b3
            if offset == 1 || 10..<14 ~= offset || 24..<addressEnd ~= offset {
                place = (place ^ byte) &* 0x0000_0100_0000_01b3
            }
        }
        let index = Int(truncatingIfNeeded: (place ^ place >> 32) & UInt64(marks.count - 1))
        defer { marks[index] = mark | 1 }
        return marks[index] == mark | 1
    }
}
