// SPDX-License-Identifier: Apache-2.0

/// When one plan is due: every interval, at its own place in it.
///
/// Places follow the golden ratio, so that any number of plans is spread evenly whichever of them come and go. They lie on
/// a grid of a hundredth of the interval, 10 ms at most: work that is done together costs the machine less.
struct CheckRhythm: Equatable, Sendable {
    let interval: Duration
    /// One of the points at which the plan is due.
    let anchor: SuspendingClock.Instant

    init(_ interval: Duration, number: Int, from start: SuspendingClock.Instant) {
        self.interval = interval
        let turns = Double(number) * 0.618_033_988_749_895
        let grid = min(interval / 100, .milliseconds(10))
        anchor = start + grid * Int(interval / grid * (turns - Double(Int(turns))))
    }

    /// The point that follows a check which began at `start`; not later than an interval after it.
    func next(after start: SuspendingClock.Instant) -> SuspendingClock.Instant {
        // A nanosecond too late does no harm; one too early would be the point of the check that just began.
        let count = (start - anchor + interval) / interval + 1e-9
        let point = anchor + interval * Int(count < 0 ? count - 1 : count)
        let gap = point - start
        // Two checks in quick succession tell nothing: half way first, and the next one is in its place.
        return gap >= interval / 2 ? point : start + (gap + interval) / 2
    }
}
