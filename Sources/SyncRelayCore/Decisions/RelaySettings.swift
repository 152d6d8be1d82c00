// SPDX-License-Identifier: Apache-2.0

/// What the relay's decisions depend on.
public struct RelaySettings: Sendable, Equatable {
    /// The id in the datagrams of the local master daemon.
    public var syncID: UInt8 = 1

    /// The id that the local backup daemon takes; another one than ``syncID``, so that an echo is seen.
    public var backupSyncID: UInt8 = 2

    /// How long datagrams are collected before they are sent together.
    public var batchDelay = Duration.milliseconds(10)

    /// The longest envelope in bytes.
    public var envelopeLength = 8192

    /// Bytes a second that may be sent.
    public var byteRate = 8_000_000.0

    /// Envelopes a second that may be sent.
    public var envelopeRate = 2000.0

    /// The most bytes that wait to be sent.
    public var backlogLimit = 4 << 20

    /// Data that has waited longer than this is not worth sending.
    public var longestDelay = Duration.seconds(2)

    /// Whether our own data comes back to us, as in a process group; the time that it takes shows how the group is.
    public var dataComesBack = true

    /// Whether connections that were missed are asked for.
    public var resync = true

    /// Which connections of others are given to the local kernel.
    public var services = ServiceFilter()

    /// The usual values.
    public init() {}
}
