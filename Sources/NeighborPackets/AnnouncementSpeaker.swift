// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// An address to announce, and the hardware address that it has now.
struct Announced: Sendable, Hashable {
    let address: IPAddress
    let hardware: LinkLayerAddress
}

/// Announces addresses of one family on one device; its socket stays open between rounds.
protocol AnnouncementSpeaker: AnyObject {
    /// How many packets of different kinds a round has for each address.
    var kinds: Int { get }

    /// The socket, for a process that goes on with it.
    var descriptor: CInt { get }

    /// Sends one kind of packet for each of a few addresses.
    ///
    /// - Throws: ``SystemError`` of the first packet that could not be sent; the others are sent.
    func send(_ addresses: [Announced], kind: Int) throws(SystemError)
}

/// Gratuitous ARP for IPv4 addresses.
final class ARPSpeaker: AnnouncementSpeaker {
    private let device: AnnouncingDevice
    private let operations: [ARPPacket.Operation]
    private let usesOnesAsTarget: Bool
    private let socket: PacketSocket

    init(_ device: AnnouncingDevice, _ style: Announcement.Style, usesOnesAsTarget: Bool) throws(SystemError) {
        self.device = device
        operations = style.operations
        self.usesOnesAsTarget = usesOnesAsTarget
        socket = try PacketSocket(interfaceIndex: device.index, name: device.name)
    }

    var kinds: Int { operations.count }

    var descriptor: CInt { socket.raw }

    func send(_ addresses: [Announced], kind: Int) throws(SystemError) {
        var frames = ByteWriter(reservingCapacity: addresses.count * 56)
        for item in addresses {
            let announcement = Announcement(
                address: item.address,
                hardware: item.hardware,
                hardwareType: device.hardwareType,
                usesOnesAsTarget: usesOnesAsTarget
            )
            announcement.packet(operations[kind])?.write(to: &frames)
        }
        // All are of one length, that of the device's hardware addresses.
        let length = frames.bytes.count / max(1, addresses.count)
        try socket.send(frames: frames.bytes, each: length, etherType: ARPPacket.etherType, to: device.broadcast)
    }
}

/// Unsolicited neighbour advertisements for IPv6 addresses.
final class AdvertisementSpeaker: AnnouncementSpeaker {
    private let isRouter: Bool
    private let socket: AdvertisementSocket

    init(_ device: AnnouncingDevice) throws(SystemError) {
        isRouter = device.isRouter
        socket = try AdvertisementSocket(interfaceIndex: UInt32(device.index))
    }

    var kinds: Int { 1 }

    var descriptor: CInt { socket.raw }

    func send(_ addresses: [Announced], kind: Int) throws(SystemError) {
        try socket.send(
            addresses.compactMap {
                NeighborAdvertisement(target: $0.address, hardware: $0.hardware, isRouter: isRouter)
            }
        )
    }
}
