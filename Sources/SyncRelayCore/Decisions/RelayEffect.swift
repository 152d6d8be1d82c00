// SPDX-License-Identifier: Apache-2.0

/// How important a line of the log is.
public enum RelayLogLevel: String, Sendable {
    case notice
    case warning
    case error
}

/// What ``RelayEngine`` wants done.
public enum RelayEffect: Equatable, Sendable {
    /// Send an envelope with data over the transport.
    case sendData([UInt8])
    /// Send an envelope with an order through the process group.
    case sendControl([UInt8])
    /// Give a datagram to the local kernel.
    case inject([UInt8])
    /// Count the connections of the local table; ``RelayEngine/counted(local:total:at:)`` takes them.
    case countTable
    /// Read the keys of the connections that were opened here; ``RelayEngine/localKeys(_:at:)`` takes them.
    case readLocalKeys
    /// Send a snapshot of the local table.
    case sendSnapshot(RelayEnvelope.SnapshotID, RelayEnvelope.Scope)
    /// Write a line to the log.
    case log(RelayLogLevel, String)
}
