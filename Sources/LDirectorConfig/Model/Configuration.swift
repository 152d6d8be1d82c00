// SPDX-License-Identifier: Apache-2.0

/// A whole `ldirectord.cf` after validation: every default, inheritance and name is resolved, nothing is left to look up.
public struct Configuration: Sendable, Hashable {
    /// Settings of the daemon itself.
    public var daemon: DaemonSettings

    /// The virtual servers in file order; identities are unique.
    public var virtualServers: [VirtualServer]

    /// Joins the daemon's settings and its virtual servers.
    public init(daemon: DaemonSettings = DaemonSettings(), virtualServers: [VirtualServer] = []) {
        self.daemon = daemon
        self.virtualServers = virtualServers
    }
}
