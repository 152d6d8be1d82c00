// SPDX-License-Identifier: Apache-2.0

/// Messages that tell a state: of each kind only the newest is worth sending.
public struct NewestMessages<Kind: Hashable & Sendable>: MessageQueue {
    /// A message that replaces those of its kind that still wait.
    public struct Message: OutgoingMessage, Equatable {
        /// What it replaces.
        public let kind: Kind

        /// What travels.
        public let bytes: [UInt8]

        /// Joins the parts.
        public init(_ kind: Kind, _ bytes: [UInt8]) {
            self.kind = kind
            self.bytes = bytes
        }
    }

    /// At most one of a kind, the longest waiting kind first.
    private var waiting: [Message] = []

    /// An empty queue.
    public init() {}

    /// Nothing waits.
    public var isEmpty: Bool { waiting.isEmpty }

    /// Adds a message behind those of other kinds, instead of what waits of its own; there is always room.
    public mutating func add(_ message: Message, at now: SuspendingClock.Instant) -> Bool {
        waiting.removeAll { $0.kind == message.kind }
        waiting.append(message)
        return true
    }

    /// The message that was added first.
    public mutating func next(at now: SuspendingClock.Instant) -> Message? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Makes a message the next again, unless a newer one of its kind has come.
    public mutating func putBack(_ message: Message) {
        if !waiting.contains(where: { $0.kind == message.kind }) {
            waiting.insert(message, at: 0)
        }
    }

    /// Drops everything.
    public mutating func forget() { waiting = [] }
}
