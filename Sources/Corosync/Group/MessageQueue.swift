// SPDX-License-Identifier: Apache-2.0

/// A message on its way to a process group.
public protocol OutgoingMessage: Sendable {
    /// What travels; at most ``ProcessGroup/largestMessage`` bytes.
    var bytes: [UInt8] { get }
}

extension Array: OutgoingMessage where Element == UInt8 {
    /// The message itself.
    public var bytes: [UInt8] { self }
}

/// What waits for a process group to take it: in which order, how much of it, and what is dropped.
///
/// A pure value; ``GroupOutbox`` shares it between threads.
public protocol MessageQueue: Sendable {
    /// What is put in.
    associatedtype Message: OutgoingMessage

    /// Nothing waits; a queue that says otherwise may still have nothing to give.
    var isEmpty: Bool { get }

    /// Adds a message.
    ///
    /// - Returns: False when it was not taken because so many wait that the caller has to try again later.
    mutating func add(_ message: Message, at now: SuspendingClock.Instant) -> Bool

    /// Takes the message out that is to be sent next.
    mutating func next(at now: SuspendingClock.Instant) -> Message?

    /// Takes back what ``next(at:)`` gave last, because the group could not take it now.
    mutating func putBack(_ message: Message)

    /// Drops everything: it was for a connection that is gone.
    mutating func forget()
}
