// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// The device that an announcement leaves on.
public struct AnnouncingDevice: Sendable, Hashable {
    /// The interface index.
    public let index: Int32

    /// The name, for errors.
    public let name: String

    /// The hardware address.
    public let hardware: LinkLayerAddress

    /// The hardware broadcast address.
    public let broadcast: LinkLayerAddress

    /// The hardware type (`ARPHRD_…`).
    public let hardwareType: UInt16

    /// Whether it forwards IPv6: its advertisements must say so, or neighbours drop it as a router.
    public let isRouter: Bool

    /// Describes a device.
    ///
    /// - Parameters:
    ///   - index: The interface index.
    ///   - name: The name, for errors.
    ///   - hardware: The hardware address.
    ///   - broadcast: The hardware broadcast address; nil is all ones.
    ///   - hardwareType: The hardware type (`ARPHRD_…`).
    ///   - isRouter: Whether it forwards IPv6.
    public init(
        index: Int32,
        name: String,
        hardware: LinkLayerAddress,
        broadcast: LinkLayerAddress?,
        hardwareType: UInt16,
        isRouter: Bool = false
    ) {
        self.index = index
        self.name = name
        self.hardware = hardware
        let ones = LinkLayerAddress(bytes: [UInt8](repeating: 0xff, count: hardware.bytes.count))
        self.broadcast = broadcast ?? ones ?? hardware
        self.hardwareType = hardwareType
        self.isRouter = isRouter
    }
}
