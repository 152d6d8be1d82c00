// SPDX-License-Identifier: Apache-2.0

/// Counts expected and received probes in ten buckets of a second each.
struct LossWindow: Sendable {
    private struct Bucket: Sendable {
        var second: Int64 = -1
        var expected = 0
        var received = 0
    }

    private var buckets = [Bucket](repeating: Bucket(), count: 10)

    mutating func record(missing: Int, at now: MonotonicTime) {
        let second = now.nanoseconds / 1_000_000_000
        let index = Int(second % 10)
        if buckets[index].second != second {
            buckets[index] = Bucket(second: second)
        }
        buckets[index].expected += missing + 1
        buckets[index].received += 1
    }

    /// Takes note of a probe that was counted as missing and was only overtaken on its way.
    mutating func recordOvertaken(at now: MonotonicTime) {
        let second = now.nanoseconds / 1_000_000_000
        let index = Int(second % 10)
        if buckets[index].second == second, buckets[index].received < buckets[index].expected {
            buckets[index].received += 1
        }
    }

    /// Loss per thousand over the last `seconds`; nil with fewer than five probes expected.
    func permille(seconds: Int64, at now: MonotonicTime) -> Int? {
        let newest = now.nanoseconds / 1_000_000_000
        var expected = 0
        var received = 0
        // Asked many times a second: no list of the recent ones is made.
        for bucket in buckets where bucket.second > newest - seconds && bucket.second <= newest {
            expected += bucket.expected
            received += bucket.received
        }
        return expected >= 5 ? (expected - received) * 1000 / expected : nil
    }

    mutating func reset() {
        buckets = [Bucket](repeating: Bucket(), count: 10)
    }
}
