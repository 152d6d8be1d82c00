// SPDX-License-Identifier: Apache-2.0

/// How many checks may wait for their answers at a time; a value without clock and sockets.
///
/// Answers that take longer and longer are the sign of a machine, or of a network, that cannot keep up with the checks. To go
/// on as before would make all of them fail: then the number of checks under way stays within what is answered in good
/// time, and rounds take longer instead. Servers that do not answer at all say nothing about that, and do not count for long.
struct LaunchWindow: Equatable, Sendable {
    private static let smallest = 16.0
    private static let first = 32.0

    private var width = LaunchWindow.first
    private var latency = Duration.milliseconds(100)

    /// So many checks may be without an answer.
    var size: Int { Int(width) }

    /// A check that waits for longer than this is probably one of a dead server, and its place is free again.
    var patience: Duration { .milliseconds(100) + latency * 4 }

    /// Takes note of an answer, good or bad.
    ///
    /// - Parameters:
    ///   - duration: How long it took.
    ///   - limit: How long it might have taken.
    ///   - waiting: How many other checks wait for theirs.
    mutating func answered(after duration: Duration, within limit: Duration, while waiting: Int) {
        latency = latency * 7 / 8 + duration / 8
        let share = latency / limit
        if share > 0.5 {
            width *= 0.95
        } else if share > 0.25 {
            width = min(width, Double(waiting + 1)) + 0.1
        } else if width < Double(2 * waiting) + Self.first {
            width += 2
        }
        width = max(Self.smallest, width)
    }
}
