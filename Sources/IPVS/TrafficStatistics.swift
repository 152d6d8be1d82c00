// SPDX-License-Identifier: Apache-2.0

/// Counters and rates of a service or a real server; OUT values stay 0 with one-way forwarding (direct routing, tunnel).
public struct TrafficStatistics: Hashable, Sendable {
    /// Connections scheduled.
    public var connections: UInt64 = 0
    /// Packets from clients.
    public var inPackets: UInt64 = 0
    /// Packets to clients.
    public var outPackets: UInt64 = 0
    /// Bytes from clients.
    public var inBytes: UInt64 = 0
    /// Bytes to clients.
    public var outBytes: UInt64 = 0
    /// New connections a second.
    public var connectionsPerSecond: UInt64 = 0
    /// Packets a second from clients.
    public var inPacketsPerSecond: UInt64 = 0
    /// Packets a second to clients.
    public var outPacketsPerSecond: UInt64 = 0
    /// Bytes a second from clients.
    public var inBytesPerSecond: UInt64 = 0
    /// Bytes a second to clients.
    public var outBytesPerSecond: UInt64 = 0

    /// All zero.
    public init() {}
}
