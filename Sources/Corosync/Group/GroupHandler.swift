// SPDX-License-Identifier: Apache-2.0

/// What a program does with the events of its process group; called on the group's thread only.
///
/// Only ``connect()`` may wait: Corosync's queue for a process that does not take its messages is limited.
public protocol GroupHandler: Sendable {
    /// The thread has just started.
    mutating func begin()

    /// Corosync is there, and the group is about to be joined.
    ///
    /// - Throws: ``CorosyncError`` when something that is needed is not there yet; everything begins anew later.
    mutating func connect() throws(CorosyncError)

    /// We are a member now, as this node; the list of members follows.
    mutating func joined(as node: UInt32)

    /// Something came from the group.
    mutating func take(_ event: ProcessGroup.Event)

    /// The connection failed, or could not be made; what waited to be sent is dropped.
    mutating func lost(_ error: CorosyncError)
}

extension GroupHandler {
    /// Does nothing.
    public mutating func begin() {}

    /// Needs nothing.
    public mutating func connect() throws(CorosyncError) {}
}
