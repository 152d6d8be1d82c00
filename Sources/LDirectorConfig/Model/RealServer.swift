// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// One server behind a virtual server.
public struct RealServer: Sendable, Hashable {
    /// Its address.
    public var address: IPAddress

    /// The port of the kernel's destination: the virtual port for gate and ipip under an address, else the configured
    /// one; 0 lets the kernel keep the packet's port.
    public var port: UInt16

    /// The port as written, 0 when omitted; maintenance files and external checks use this one.
    public var configuredPort: UInt16

    /// The port that checks go to; 0 when there is none.
    public var checkPort: UInt16

    /// How packets get to it.
    public var forwarding: ForwardingMethod

    /// Share of the connections, 0...65535; 0 is legal and takes none.
    public var weight: Int

    /// Its own request and pattern in place of those of the virtual server.
    public var content: CheckContent?

    /// Connections below which an overloaded server is used again; 0 leaves it to the kernel.
    public var lowerThreshold: UInt32

    /// Connections above which the server gets no more; 0 is no limit.
    public var upperThreshold: UInt32

    /// Describes a real server.
    public init(
        address: IPAddress,
        port: UInt16,
        configuredPort: UInt16,
        checkPort: UInt16,
        forwarding: ForwardingMethod,
        weight: Int = 1,
        content: CheckContent? = nil,
        lowerThreshold: UInt32 = 0,
        upperThreshold: UInt32 = 0
    ) {
        self.address = address
        self.port = port
        self.configuredPort = configuredPort
        self.checkPort = checkPort
        self.forwarding = forwarding
        self.weight = weight
        self.content = content
        self.lowerThreshold = lowerThreshold
        self.upperThreshold = upperThreshold
    }

    /// The port that a check goes to: the check's, else the configured one, else the usual one of the service, else the
    /// virtual server's.
    public func port(of check: CheckSettings, in identity: ServiceIdentity) -> UInt16 {
        Self.port(of: check, configured: configuredPort, in: identity)
    }

    static func port(of check: CheckSettings, configured: UInt16, in identity: ServiceIdentity) -> UInt16 {
        check.port ?? (configured > 0 ? configured : check.service.defaultPort ?? identity.port)
    }
}
