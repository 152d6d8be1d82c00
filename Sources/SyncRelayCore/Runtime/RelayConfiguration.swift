// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What a relay is told at its start.
public struct RelayConfiguration: Sendable {
    /// How envelopes with data travel; orders and snapshots always go through the process group.
    public enum Transport: String, Sendable, CaseIterable {
        /// Through Corosync's process group.
        case cpg
        /// Between the directors' Corosync addresses, over every link at once.
        case udp
    }

    /// The interface of the local master daemon.
    public var captureInterface = "lvs-tx"

    /// The interface of the local backup daemon.
    public var injectionInterface = "lvs-rx"

    /// The multicast group of both daemons.
    public var group = IPAddress(ipv4: 0xe000_0051)

    /// The UDP port of both daemons; with several threads the first one.
    public var port: UInt16 = 8848

    /// How data travels.
    public var transport = Transport.cpg

    /// The UDP port of ``Transport/udp``.
    public var transportPort: UInt16 = 8890

    /// The file of the key for ``Transport/udp``; nil is Corosync's.
    public var keyFile: String?

    /// The socket that answers `syncrelay status`.
    public var controlPath = RelayConfiguration.defaultControlPath

    /// Bounds and ids.
    public var settings = RelaySettings()

    /// Whether lines of the log go to standard error instead of syslog.
    public var isForeground = false

    /// Where the control socket is, unless told otherwise.
    public static let defaultControlPath = "/run/vervet/syncrelay.sock"

    /// The usual values.
    public init() {}

    /// The file that names and is locked by the running relay.
    public var processPath: String {
        (controlPath.hasSuffix(".sock") ? String(controlPath.dropLast(5)) : controlPath) + ".pid"
    }

    /// The process group: one for each group of directors.
    var processGroup: String { "vervet-syncrelay-1-\(settings.syncID)" }
}
