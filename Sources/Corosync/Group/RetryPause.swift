// SPDX-License-Identifier: Apache-2.0

/// How long to wait after a refusal: twice as long each time, up to a limit, and short again after a success.
struct RetryPause: Sendable {
    /// The first pause.
    let shortest: Duration
    private let longest: Duration
    private var upcoming: Duration

    init(_ range: ClosedRange<Duration>) {
        shortest = range.lowerBound
        longest = range.upperBound
        upcoming = range.lowerBound
    }

    /// The pause after one more refusal.
    mutating func next() -> Duration {
        defer { upcoming = min(upcoming * 2, longest) }
        return upcoming
    }

    /// Starts again with the shortest.
    mutating func reset() { upcoming = shortest }
}
