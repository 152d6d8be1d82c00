// SPDX-License-Identifier: Apache-2.0
import CNetlink
public import LinuxKit

/// A network interface as the kernel describes it (`ip -details link show`).
public struct NetworkLink: Sendable, Equatable {
    /// Operational states of RFC 2863 (`IF_OPER_…`).
    public enum OperationalState: UInt8, Sendable {
        /// Nothing is known: loopback, tunnels, many virtual devices.
        case unknown = 0
        /// The device does not exist any more.
        case notPresent = 1
        /// No carrier, or administratively down.
        case down = 2
        /// The device under this one is down.
        case lowerLayerDown = 3
        /// In a test.
        case testing = 4
        /// Waits for something, such as authentication.
        case dormant = 5
        /// Can pass packets.
        case up = 6
    }

    /// The interface index.
    public let index: Int32

    /// The interface's name.
    public let name: String

    /// Its alternative names (`ip link property add … altname`).
    public let alternativeNames: [String]

    /// The flags as in netdevice(7) (`IFF_…`).
    public let flags: UInt32

    /// The hardware type (`ARPHRD_…`): 1 is Ethernet, 32 InfiniBand, 772 loopback.
    public let hardwareType: UInt16

    /// The hardware address; nil when the device has none.
    public let address: LinkLayerAddress?

    /// The hardware broadcast address; nil when the device has none.
    public let broadcast: LinkLayerAddress?

    /// The operational state.
    public let state: OperationalState

    /// The index of the device that this one is a port of (bridge, bond, VRF); nil when none.
    public let master: Int32?

    /// The largest packet in bytes.
    public let mtu: UInt32

    /// Whether the link has carrier.
    public let hasCarrier: Bool

    /// Describes an interface.
    public init(
        index: Int32,
        name: String,
        alternativeNames: [String] = [],
        flags: UInt32 = 0x1,
        hardwareType: UInt16 = 1,
        address: LinkLayerAddress? = nil,
        broadcast: LinkLayerAddress? = nil,
        state: OperationalState = .up,
        master: Int32? = nil,
        mtu: UInt32 = 1500,
        hasCarrier: Bool = true
    ) {
        self.index = index
        self.name = name
        self.alternativeNames = alternativeNames
        self.flags = flags
        self.hardwareType = hardwareType
        self.address = address
        self.broadcast = broadcast
        self.state = state
        self.master = master
        self.mtu = mtu
        self.hasCarrier = hasCarrier
    }

    /// Whether the interface is administratively up (`IFF_UP`).
    public var isUp: Bool { flags & 0x1 != 0 }

    /// Whether it is a loopback device (`IFF_LOOPBACK`).
    public var isLoopback: Bool { flags & 0x8 != 0 }

    /// Whether the device resolves no neighbours (`IFF_NOARP`).
    public var isWithoutARP: Bool { flags & 0x80 != 0 }

    /// Whether a text is its name or one of its alternative names.
    public func isNamed(_ text: String) -> Bool { name == text || alternativeNames.contains(text) }

    /// Whether the message announces that the link has gone (`RTM_DELLINK`).
    public static func isRemoval(_ message: NetlinkMessage) -> Bool { message.type == UInt16(RTM_DELLINK) }

    /// Decodes `RTM_NEWLINK` and `RTM_DELLINK`; nil for other messages and for truncated ones.
    public init?(_ message: NetlinkMessage) {
        let header = message.payload
        // struct ifinfomsg: family, padding, type, index, flags, change.
        guard message.type == UInt16(RTM_NEWLINK) || message.type == UInt16(RTM_DELLINK), header.count >= 16,
            let hardwareType = header.dropFirst(2).hostInteger(UInt16.self),
            let index = header.dropFirst(4).hostInteger(Int32.self),
            let flags = header.dropFirst(8).hostInteger(UInt32.self)
        else {
            return nil
        }
        let attributes = NetlinkAttributes(header.dropFirst(16))
        guard let name = attributes[UInt16(IFLA_IFNAME)]?.string else {
            return nil
        }
        self.index = index
        self.name = name
        self.flags = flags
        self.hardwareType = hardwareType
        alternativeNames =
            attributes[UInt16(IFLA_PROP_LIST)]?.nested.all.filter { $0.type == UInt16(IFLA_ALT_IFNAME) }
            .map(\.string) ?? []
        address = attributes[UInt16(IFLA_ADDRESS)].flatMap { LinkLayerAddress(bytes: $0.payload) }
        broadcast = attributes[UInt16(IFLA_BROADCAST)].flatMap { LinkLayerAddress(bytes: $0.payload) }
        state = attributes[UInt16(IFLA_OPERSTATE)]?.host(UInt8.self).flatMap(OperationalState.init) ?? .unknown
        master = attributes[UInt16(IFLA_MASTER)]?.host(Int32.self)
        mtu = attributes[UInt16(IFLA_MTU)]?.host(UInt32.self) ?? 0
        hasCarrier = attributes[UInt16(IFLA_CARRIER)]?.host(UInt8.self).map { $0 != 0 } ?? true
    }
}
