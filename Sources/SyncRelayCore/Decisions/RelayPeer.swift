// SPDX-License-Identifier: Apache-2.0

/// Another director's relay as seen from here.
public struct RelayPeer: Sendable {
    /// Its run.
    public internal(set) var incarnation: UInt64

    /// What of it came and what did not.
    public internal(set) var sequence: SequenceTracker

    /// Datagrams of its kernel that came.
    public internal(set) var datagrams: UInt64 = 0

    /// Connections in them.
    public internal(set) var records: UInt64 = 0

    /// Connections opened there, as it counted them last; nil when it has not told, or has too many to count.
    public internal(set) var localConnections: UInt32?

    /// All connections it knows.
    public internal(set) var totalConnections: UInt32 = 0

    /// When something of it came last.
    public internal(set) var heardAt: SuspendingClock.Instant

    /// Missing envelopes that have been acted upon.
    var settledMissing: UInt64 = 0

    /// Since when more are missing than that.
    var missingSince: SuspendingClock.Instant?

    /// When its data was asked for again last.
    var repairedAt: SuspendingClock.Instant?
}
