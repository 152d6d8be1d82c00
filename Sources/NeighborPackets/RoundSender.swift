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

    /// Describes a device.
    public init(
        index: Int32,
        name: String,
        hardware: LinkLayerAddress,
        broadcast: LinkLayerAddress,
        hardwareType: UInt16
    ) {
        self.index = index
        self.name = name
        self.hardware = hardware
        self.broadcast = broadcast
        self.hardwareType = hardwareType
    }
}

/// Sends rounds of announcements of one address; its socket stays open between them.
public protocol RoundSender: AnyObject {
    /// Sends one round.
    ///
    /// - Throws: ``SystemError`` of the first packet that could not be sent.
    func sendRound() throws(SystemError)

    /// A descriptor that another process can go on with; nil when it opens its own.
    var descriptor: CInt? { get }
}

/// Gratuitous ARP for an IPv4 address.
public final class GratuitousARP: RoundSender {
    private let socket: PacketSocket
    private let packets: [[UInt8]]
    private let destination: LinkLayerAddress

    /// Opens a packet socket on a device.
    ///
    /// - Throws: ``SystemError`` when the socket cannot be opened.
    public init(_ announcement: Announcement, on device: AnnouncingDevice) throws(SystemError) {
        socket = try PacketSocket(interfaceIndex: device.index, name: device.name)
        packets = announcement.packets.map(\.bytes)
        destination = device.broadcast
    }

    /// Takes over a packet socket on a device from another process; nil when the descriptor is none.
    public init?(_ announcement: Announcement, on device: AnnouncingDevice, adopting raw: CInt) {
        guard let socket = PacketSocket(adopting: raw, interfaceIndex: device.index, name: device.name) else {
            return nil
        }
        self.socket = socket
        packets = announcement.packets.map(\.bytes)
        destination = device.broadcast
    }

    /// The packet socket's descriptor.
    public var descriptor: CInt? { socket.raw }

    /// Sends the packets of one round to all hosts on the link.
    public func sendRound() throws(SystemError) {
        for packet in packets {
            try socket.send(packet, etherType: ARPPacket.etherType, to: destination)
        }
    }
}

/// Unsolicited neighbour advertisements for an IPv6 address.
public final class UnsolicitedAdvertisement: RoundSender {
    private let socket: AdvertisementSocket
    private let advertisement: NeighborAdvertisement

    /// Opens a raw socket that is bound to the advertised address.
    ///
    /// - Throws: ``SystemError``; `EADDRNOTAVAIL` when the address is not here, or still tentative.
    public init(_ advertisement: NeighborAdvertisement, on device: AnnouncingDevice) throws(SystemError) {
        socket = try AdvertisementSocket(source: advertisement.target, interfaceIndex: UInt32(device.index))
        self.advertisement = advertisement
    }

    /// None: the socket is cheap to open and to close.
    public var descriptor: CInt? { nil }

    /// Sends the advertisement to all nodes on the link.
    public func sendRound() throws(SystemError) { try socket.send(advertisement) }
}
