// SPDX-License-Identifier: Apache-2.0

/// Messages that all have to arrive, in their order.
public struct OrderedMessages: MessageQueue {
    private var waiting: [[UInt8]] = []

    /// An empty queue.
    public init() {}

    /// Nothing waits.
    public var isEmpty: Bool { waiting.isEmpty }

    /// Adds a message behind all others; there is always room.
    public mutating func add(_ message: [UInt8], at now: SuspendingClock.Instant) -> Bool {
        waiting.append(message)
        return true
    }

    /// The oldest message.
    public mutating func next(at now: SuspendingClock.Instant) -> [UInt8]? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Makes a message the oldest again.
    public mutating func putBack(_ message: [UInt8]) { waiting.insert(message, at: 0) }

    /// Drops everything.
    public mutating func forget() { waiting = [] }
}
