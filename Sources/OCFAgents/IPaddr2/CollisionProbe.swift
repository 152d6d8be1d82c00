// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets

/// Asks links whether anybody owns one of some IPv4 addresses (RFC 5227, 2.1.1), like `arping -D -c 2`, but two seconds for
/// all of them together.
enum CollisionProbe {
    /// The addresses that are to live on one device.
    struct Question: Sendable {
        let device: AnnouncingDevice
        let addresses: [IPAddress]
    }

    /// Another owner.
    struct Collision: Sendable, Equatable {
        let address: IPAddress
        let owner: LinkLayerAddress
        let link: String

        /// The collision in words.
        var reason: String { "IPv4 address collision: \(owner) on \(link) has \(address) already" }
    }

    /// A device with its socket and the frames for it.
    private final class Ear {
        let socket: PacketSocket
        let question: Question
        let wanted: Set<IPAddress>

        init(_ question: Question) throws(SystemError) {
            self.question = question
            wanted = Set(question.addresses)
            socket = try PacketSocket(
                interfaceIndex: question.device.index,
                name: question.device.name,
                receiving: ARPPacket.etherType
            )
        }

        func ask(_ addresses: ArraySlice<IPAddress>) throws(SystemError) {
            let device = question.device
            let zero = LinkLayerAddress(bytes: [UInt8](repeating: 0, count: device.hardware.bytes.count))
            let probes = addresses.compactMap { address in
                ARPPacket(
                    hardwareType: device.hardwareType == ARPPacket.infiniband
                        ? ARPPacket.infiniband : ARPPacket.ethernet,
                    operation: .request,
                    senderHardware: device.hardware,
                    sender: IPAddress(ipv4: 0),
                    targetHardware: zero ?? device.hardware,
                    target: address
                )?.bytes
            }
            try socket.send(
                frames: probes.flatMap(\.self),
                each: probes.first?.count ?? 0,
                etherType: ARPPacket.etherType,
                to: device.broadcast
            )
        }

        /// The collision that a packet shows.
        func judge(_ bytes: [UInt8]) -> Collision? {
            guard let packet = ARPPacket(bytes) else {
                return nil
            }
            for address in [packet.sender, packet.target] where wanted.contains(address) {
                if let owner = claim(packet, on: address, by: question.device.hardware) {
                    return Collision(address: address, owner: owner, link: question.device.name)
                }
            }
            return nil
        }
    }

    /// Sends two probes for every address a second apart and listens until a second after the last.
    ///
    /// - Returns: The first owner that shows; nil when nobody answers.
    /// - Throws: ``SystemError`` when a link cannot be asked.
    static func run(_ questions: [Question]) throws(SystemError) -> Collision? {
        var ears: [Ear] = []
        for question in questions {
            ears.append(try Ear(question))
        }
        for _ in 0..<2 {
            for ear in ears {
                // In slices, and listening in between, so that the answers fit into the receive buffer.
                var rest = ear.question.addresses[...]
                while !rest.isEmpty {
                    let slice = rest.prefix(PacketSocket.sliceLength)
                    try ear.ask(slice)
                    rest = rest.dropFirst(slice.count)
                    if let collision = try listen(ears, until: Deadline(after: .zero)) {
                        return collision
                    }
                }
            }
            if let collision = try listen(ears, until: Deadline(after: .seconds(1))) {
                return collision
            }
        }
        return nil
    }

    private static func listen(_ ears: [Ear], until deadline: Deadline) throws(SystemError) -> Collision? {
        repeat {
            var pollers = ears.map { pollfd(fd: $0.socket.raw, events: Int16(POLLIN), revents: 0) }
            let count = pollers.count
            guard try systemCall("poll", "ARP", { poll(&pollers, nfds_t(count), deadline.pollMilliseconds) }) > 0 else {
                return nil
            }
            for (ear, poller) in zip(ears, pollers) where poller.revents != 0 {
                if let bytes = try ear.socket.receive(until: Deadline(after: .zero)), let collision = ear.judge(bytes) {
                    return collision
                }
            }
        } while !deadline.hasPassed
        return nil
    }

    /// The other host that a packet shows to own the address, or to be about to take it; nil when it shows none.
    static func claim(
        _ packet: ARPPacket,
        on address: IPAddress,
        by ourselves: LinkLayerAddress
    ) -> LinkLayerAddress? {
        guard packet.senderHardware != ourselves else {
            return nil
        }
        let isOwner = packet.sender == address
        let isProbing = packet.operation == .request && packet.sender == IPAddress(ipv4: 0) && packet.target == address
        return isOwner || isProbing ? packet.senderHardware : nil
    }
}
