// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What identifies an entry of the kernel's connection table: the protocol, the client and the virtual service's end.
public struct ConnectionKey: Hashable, Sendable {
    /// The IP protocol number; 0 for persistence templates of firewall-mark services.
    public var transport: UInt8

    /// The client's end; port 0 is a persistence template.
    public var client: SocketAddress

    /// The end that the client speaks with.
    public var virtual: SocketAddress

    /// Joins the parts.
    public init(transport: UInt8, client: SocketAddress, virtual: SocketAddress) {
        self.transport = transport
        self.client = client
        self.virtual = virtual
    }
}
