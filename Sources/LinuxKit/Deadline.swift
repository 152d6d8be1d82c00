// SPDX-License-Identifier: Apache-2.0

/// A point on the monotonic clock by which something must be over; wall clock steps do not move it.
public struct Deadline: Sendable {
    private let instant: SuspendingClock.Instant

    /// The point `duration` from now.
    public init(after duration: Duration) {
        instant = SuspendingClock.now + duration
    }

    /// Time left; zero when the deadline has passed.
    public var remaining: Duration { max(.zero, instant - SuspendingClock.now) }

    /// Whether the time is over.
    public var hasPassed: Bool { remaining == .zero }

    /// Time left in milliseconds, rounded up, as poll(2) and epoll_wait(2) take it.
    public var pollMilliseconds: CInt { remaining.milliseconds(roundedUp: true) }
}

extension Duration {
    /// Whole milliseconds, at most what a C int holds.
    ///
    /// - Parameter roundedUp: Whether a started millisecond counts, so that a timer never fires early.
    /// - Returns: The milliseconds.
    public func milliseconds(roundedUp: Bool = false) -> CInt {
        let (seconds, attoseconds) = components
        guard seconds < Int64(CInt.max) / 1000 - 1 else {
            return CInt.max
        }
        let (whole, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
        return CInt(seconds * 1000 + whole + (roundedUp && rest > 0 ? 1 : 0))
    }
}
