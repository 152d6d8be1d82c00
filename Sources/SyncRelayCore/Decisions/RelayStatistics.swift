// SPDX-License-Identifier: Apache-2.0

/// What a relay has counted since its start.
public struct RelayStatistics: Equatable, Sendable {
    /// Datagrams of the local kernel that were seen.
    public var capturedDatagrams: UInt64 = 0
    /// Connections in them.
    public var capturedRecords: UInt64 = 0
    /// Datagrams seen or received that the kernel's receiver would not take.
    public var malformed: UInt64 = 0
    /// Datagrams seen with the id of another group of directors.
    public var foreign: UInt64 = 0
    /// Datagrams seen that we have ourselves injected: a wrong configuration.
    public var echoes: UInt64 = 0
    /// Datagrams seen while no other director was there to send them to.
    public var unsent: UInt64 = 0
    /// Records left out because they only refreshed a timer while the transport was short of room.
    public var savedRefreshes: UInt64 = 0
    /// Envelopes dropped because they had waited too long, or too many waited.
    public var droppedEnvelopes: UInt64 = 0
    /// Connections in them.
    public var droppedRecords: UInt64 = 0
    /// Envelopes with data sent.
    public var sentEnvelopes: UInt64 = 0
    /// Bytes of them.
    public var sentBytes: UInt64 = 0
    /// Envelopes received that are damaged, of another version, or whose sender is not who it says.
    public var badEnvelopes: UInt64 = 0
    /// Datagrams given to the local kernel.
    public var injectedDatagrams: UInt64 = 0
    /// Connections in them.
    public var injectedRecords: UInt64 = 0
    /// Connections of other services than those that are wanted here.
    public var unwantedRecords: UInt64 = 0
    /// Connections told to other directors that asked for all.
    public var snapshotRecordsSent: UInt64 = 0
    /// How often that was from memory, without a reading of the kernel's table.
    public var snapshotsRemembered: UInt64 = 0
    /// Table entries that could not be told.
    public var snapshotEntriesSkipped: UInt64 = 0

    /// Nothing yet.
    public init() {}
}
