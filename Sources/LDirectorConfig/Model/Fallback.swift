// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// The server of last resort, used with weight 1 while no real server is up (`fallback`, `fallback6`).
public struct Fallback: Sendable, Hashable {
    /// Its address.
    public var address: IPAddress

    /// The port of the kernel's destination, after the same rule as for real servers.
    public var port: UInt16

    /// The port as written, or that of the virtual server.
    public var configuredPort: UInt16

    /// How packets get to it.
    public var forwarding: ForwardingMethod

    /// Describes a fallback server.
    public init(address: IPAddress, port: UInt16, configuredPort: UInt16, forwarding: ForwardingMethod = .gate) {
        self.address = address
        self.port = port
        self.configuredPort = configuredPort
        self.forwarding = forwarding
    }
}
