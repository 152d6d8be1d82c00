// SPDX-License-Identifier: Apache-2.0

/// The last things that changed, for "why did it move?".
public struct TransitionHistory: Equatable, Sendable {
    /// One change.
    public struct Entry: Equatable, Sendable {
        /// When it was noticed.
        public var time: MonotonicTime

        /// What, with its evidence.
        public var text: String
    }

    private static let capacity = 256

    /// The changes, oldest first.
    public private(set) var entries: [Entry] = []

    /// Begins empty.
    public init() {}

    /// Appends a change; the oldest one goes when there are too many.
    public mutating func append(_ text: String, at time: MonotonicTime) {
        if entries.count == Self.capacity {
            entries.removeFirst(Self.capacity / 8)
        }
        entries.append(Entry(time: time, text: text))
    }
}
