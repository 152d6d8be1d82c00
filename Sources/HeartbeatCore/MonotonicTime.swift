// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A reading of CLOCK_MONOTONIC; the wall clock decides nothing here.
public struct MonotonicTime: Comparable, Hashable, Sendable {
    /// Nanoseconds since some point before the start of the system.
    public let nanoseconds: Int64

    /// A reading taken elsewhere.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The present.
    public static var now: MonotonicTime {
        var value = timespec()
        // Cannot fail: the clock exists and the pointer is good (clock_gettime(2)).
        _ = clock_gettime(CLOCK_MONOTONIC, &value)
        return MonotonicTime(nanoseconds: Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec))
    }

    /// Earlier before later.
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The time between two readings.
    public static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    /// An earlier reading.
    public static func - (left: MonotonicTime, right: Duration) -> MonotonicTime {
        MonotonicTime(nanoseconds: left.nanoseconds - right.wholeNanoseconds)
    }

    /// A later reading.
    public static func + (left: MonotonicTime, right: Duration) -> MonotonicTime {
        MonotonicTime(nanoseconds: left.nanoseconds + right.wholeNanoseconds)
    }
}

extension Duration {
    /// The duration in nanoseconds, rounded towards zero.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// Milliseconds clamped into 32 bits, as the wire formats carry ages.
    var clampedMilliseconds: UInt32 {
        UInt32(clamping: wholeNanoseconds / 1_000_000)
    }
}
