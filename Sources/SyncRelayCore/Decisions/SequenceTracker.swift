// SPDX-License-Identifier: Apache-2.0

/// Counts what is missing, late or repeated in one sender's numbered envelopes, whatever order they come in.
public struct SequenceTracker: Sendable {
    /// What to do with an envelope.
    public enum Verdict: Equatable, Sendable {
        /// It is new, perhaps late.
        case new
        /// It came before, over another link.
        case duplicate
    }

    /// How far back numbers are remembered; an envelope that is older counts as a repeated one.
    public static let window: UInt64 = 4096

    private var first: UInt64
    private var highest: UInt64
    private var seen = [UInt64](repeating: 0, count: Int(window / 64))

    /// How many different envelopes came.
    public private(set) var received: UInt64 = 0

    /// How many came again.
    public private(set) var duplicates: UInt64 = 0

    /// Begins to count.
    ///
    /// - Parameter last: The number of the last envelope that was sent before we listened.
    public init(after last: UInt64) {
        first = last &+ 1
        highest = last
    }

    /// How many were sent since we listen and have not come.
    public var missing: UInt64 {
        let sent = highest &- first &+ 1
        return sent > received ? sent - received : 0
    }

    /// Takes the number of an envelope.
    public mutating func take(_ sequence: UInt64) -> Verdict {
        if sequence > highest {
            advance(to: sequence)
        } else if sequence < first || highest - sequence >= Self.window || isSeen(sequence) {
            duplicates += 1
            return .duplicate
        }
        mark(sequence)
        received += 1
        return .new
    }

    /// Learns how far the sender is, from an envelope without a number of its own.
    public mutating func advance(to sequence: UInt64) {
        guard sequence > highest else {
            return
        }
        // The places of numbers that nobody has seen yet held those of long ago.
        for number in 0..<min(Self.window, sequence - highest) {
            clear(sequence - number)
        }
        highest = sequence
    }

    private func place(_ sequence: UInt64) -> (word: Int, bit: UInt64) {
        let position = sequence % Self.window
        return (Int(position / 64), 1 << (position % 64))
    }

    private func isSeen(_ sequence: UInt64) -> Bool {
        let (word, bit) = place(sequence)
        return seen[word] & bit != 0
    }

    private mutating func mark(_ sequence: UInt64) {
        let (word, bit) = place(sequence)
        seen[word] |= bit
    }

    private mutating func clear(_ sequence: UInt64) {
        let (word, bit) = place(sequence)
        seen[word] &= ~bit
    }
}
