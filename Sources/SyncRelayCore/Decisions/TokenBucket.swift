// SPDX-License-Identifier: Apache-2.0

/// Bounds a rate: what is taken must have been filled in before.
public struct TokenBucket: Sendable {
    private let rate: Double
    private let size: Double
    private var level: Double
    private var filledAt: SuspendingClock.Instant?

    /// Begins with a full bucket.
    ///
    /// - Parameters:
    ///   - rate: What comes in every second.
    ///   - size: The most that is kept.
    public init(rate: Double, size: Double) {
        self.rate = rate
        self.size = size
        level = size
    }

    /// How full it is, from 0 (empty, or in debt) to 1.
    public mutating func fullness(at now: SuspendingClock.Instant) -> Double {
        fill(now)
        return max(0, level) / size
    }

    /// Takes an amount if anything is there; a large amount may leave a debt, so that nothing is too large for ever.
    ///
    /// - Returns: False when the bucket is empty.
    public mutating func take(_ amount: Double, at now: SuspendingClock.Instant) -> Bool {
        fill(now)
        guard level > 0 else {
            return false
        }
        level -= amount
        return true
    }

    /// How long until something can be taken again.
    public mutating func wait(at now: SuspendingClock.Instant) -> Duration {
        fill(now)
        // A thousandth of a second more, so that there is something indeed.
        return level > 0 ? .zero : .seconds(-level / rate) + .milliseconds(1)
    }

    private mutating func fill(_ now: SuspendingClock.Instant) {
        if let filledAt, now > filledAt {
            let time = now - filledAt
            level = min(size, level + rate * (time / Duration.seconds(1)))
        }
        filledAt = now
    }
}
