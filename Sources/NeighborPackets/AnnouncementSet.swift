// SPDX-License-Identifier: Apache-2.0
import Glibc
public import LinuxKit

/// Announcements of many addresses: each round names every address once, in order and without flooding the network.
public final class AnnouncementSet: RoundSender {
    /// Switches throttle floods of gratuitous ARP; this many frames at once are below what they take for one.
    private static let burst = 64

    private enum Entry {
        case requests(device: Int, [[UInt8]])
        case advertisement(device: Int, NeighborAdvertisement)
    }

    private let devices: [AnnouncingDevice]
    private let senders: [DeviceSender]
    private var entries: [Entry] = []

    /// Opens one packet socket for each device.
    ///
    /// - Throws: ``SystemError`` when a socket cannot be opened.
    public init(devices: [AnnouncingDevice]) throws(SystemError) {
        self.devices = devices
        var senders: [DeviceSender] = []
        for device in devices {
            senders.append(try DeviceSender(device))
        }
        self.senders = senders
    }

    /// Appends an IPv4 address.
    ///
    /// - Parameters:
    ///   - announcement: What to send.
    ///   - device: The position of its device.
    public func append(_ announcement: Announcement, on device: Int) {
        entries.append(.requests(device: device, announcement.packets.map(\.bytes)))
    }

    /// Appends an IPv6 address.
    ///
    /// - Parameters:
    ///   - advertisement: What to send.
    ///   - device: The position of its device.
    public func append(_ advertisement: NeighborAdvertisement, on device: Int) {
        entries.append(.advertisement(device: device, advertisement))
    }

    /// None: there are several sockets.
    public var descriptor: CInt? { nil }

    /// Sends one round; an address that cannot be announced keeps no other from it.
    ///
    /// At most 1000 frames a second leave once the first burst is out.
    ///
    /// - Throws: ``SystemError`` of the first frame that could not be sent, after the others.
    public func sendRound() throws(SystemError) {
        var failure: SystemError?
        var frames = 0
        for entry in entries {
            do {
                frames += try send(entry)
            } catch {
                failure = failure ?? error
            }
            if frames >= Self.burst {
                usleep(UInt32(frames) * 1000)
                frames = 0
            }
        }
        if let failure {
            throw failure
        }
    }

    private func send(_ entry: Entry) throws(SystemError) -> Int {
        switch entry {
        case .requests(let device, let packets):
            for packet in packets {
                try senders[device].send(packet)
            }
            return packets.count
        case .advertisement(let device, let advertisement):
            // Its socket is bound to the address, so each needs its own; it is open only while it is used.
            let index = UInt32(devices[device].index)
            try AdvertisementSocket(source: advertisement.target, interfaceIndex: index).send(advertisement)
            return 1
        }
    }
}

/// A packet socket in an array: arrays hold no non-copyable values.
private final class DeviceSender {
    private let socket: PacketSocket
    private let broadcast: LinkLayerAddress

    init(_ device: AnnouncingDevice) throws(SystemError) {
        socket = try PacketSocket(interfaceIndex: device.index, name: device.name)
        broadcast = device.broadcast
    }

    func send(_ packet: [UInt8]) throws(SystemError) {
        try socket.send(packet, etherType: ARPPacket.etherType, to: broadcast)
    }
}
