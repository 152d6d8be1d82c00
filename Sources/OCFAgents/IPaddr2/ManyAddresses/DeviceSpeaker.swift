// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

/// Announces many addresses of one interface in slices that one system call sends.
final class DeviceSpeaker {
    /// A part of a round: frames of one kind for neighbouring members.
    struct Slice: Sendable, Equatable {
        let members: Range<Int>
        /// Which of the packets of an IPv4 announcement; all of IPv6 are alike.
        let packet: Int
    }

    /// A socket that may be there or not, which a class can hold and give up in either way.
    private final class Outlet {
        let socket: PacketSocket

        init(_ device: AnnouncingDevice) throws(SystemError) {
            socket = try PacketSocket(interfaceIndex: device.index, name: device.name)
        }

        init?(adopting raw: CInt, _ device: AnnouncingDevice) {
            guard let socket = PacketSocket(adopting: raw, interfaceIndex: device.index, name: device.name) else {
                return nil
            }
            self.socket = socket
        }
    }

    private let device: AnnouncingDevice
    /// IPv4 first, so that a slice is of one family.
    private let addresses: [IPAddress]
    private let isRouter: Bool
    private let outlet: Outlet?
    private var present: Set<IPAddress>
    private var style = Announcement.Style.requestAndReply
    /// Whether the socket is the one that another process handed on.
    let hasAdopted: Bool

    /// Opens the socket for the IPv4 addresses, if there are any.
    ///
    /// - Throws: ``SystemError`` when it cannot be opened.
    init(_ device: AnnouncingDevice, _ addresses: [IPAddress], isRouter: Bool, adopting inherited: CInt?)
        throws(SystemError)
    {
        self.device = device
        self.addresses = addresses.filter { $0.family == .ipv4 } + addresses.filter { $0.family == .ipv6 }
        self.isRouter = isRouter
        present = Set(addresses)
        guard self.addresses.first?.family == .ipv4 else {
            outlet = nil
            hasAdopted = false
            return
        }
        if let inherited, let outlet = Outlet(adopting: inherited, device) {
            self.outlet = outlet
            hasAdopted = true
        } else {
            outlet = try Outlet(device)
            hasAdopted = false
        }
    }

    /// The packet socket's descriptor, for a process that goes on; nil without IPv4 addresses.
    var descriptor: CInt? { outlet?.socket.raw }

    /// Whether none of the addresses is here any more.
    var isSilent: Bool { present.isEmpty }

    /// Forgets the addresses that are not among those of the host.
    func keep(_ current: [InterfaceAddress]) {
        present.formIntersection(current.lazy.filter { $0.interfaceIndex == self.device.index }.map(\.address))
    }

    /// The slices of a round: every address once before any second packet.
    func slices(_ style: Announcement.Style) -> [Slice] {
        self.style = style
        let boundary = addresses.firstIndex { $0.family == .ipv6 } ?? addresses.count
        let packets = style == .requestAndReply ? 2 : 1
        var slices: [Slice] = []
        func cut(_ range: Range<Int>, _ packet: Int) {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: PacketSocket.sliceLength) {
                let end = min(range.upperBound, start + PacketSocket.sliceLength)
                slices.append(Slice(members: start..<end, packet: packet))
            }
        }
        cut(0..<boundary, 0)
        cut(boundary..<addresses.count, 0)
        for packet in 1..<max(1, packets) {
            cut(0..<boundary, packet)
        }
        return slices
    }

    /// Sends a slice, as far as its addresses are still here.
    ///
    /// - Returns: The number of frames.
    /// - Throws: ``SystemError`` of the first frame that could not be sent.
    func send(_ slice: Slice) throws(SystemError) -> Int {
        let here = addresses[slice.members].filter(present.contains)
        guard here.first?.family == .ipv4 else {
            for address in here {
                try advertise(address)
            }
            return here.count
        }
        let frames = here.compactMap { address -> [UInt8]? in
            let announcement = Announcement(
                address: address,
                hardware: device.hardware,
                hardwareType: device.hardwareType,
                style: style
            )
            return announcement.packets.dropFirst(slice.packet).first?.bytes
        }
        try outlet?.socket.send(frames[...], etherType: ARPPacket.etherType, to: device.broadcast)
        return frames.count
    }

    /// Sends a whole round without pauses.
    func sendRound(_ style: Announcement.Style) throws(SystemError) {
        for slice in slices(style) {
            _ = try send(slice)
        }
    }

    private func advertise(_ address: IPAddress) throws(SystemError) {
        guard let advertisement = NeighborAdvertisement(target: address, hardware: device.hardware, isRouter: isRouter)
        else {
            return
        }
        do {
            let sender = try UnsolicitedAdvertisement(advertisement, on: device)
            try sender.sendRound()
        } catch  where error.code == EADDRNOTAVAIL {
            // It went, or is still tentative, while the others are here.
        }
    }
}
