// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets

/// Asks links whether anybody owns one of many IPv4 addresses (RFC 5227, 2.1.1): two seconds for all of them together.
enum ManyCollisionProbe {
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
    }

    /// A device with its socket and the frames for it.
    private final class Ear {
        let socket: PacketSocket
        let question: Question
        let wanted: Set<IPAddress>
        let probes: [[UInt8]]

        init(_ question: Question) throws(SystemError) {
            self.question = question
            wanted = Set(question.addresses)
            let device = question.device
            socket = try PacketSocket(
                interfaceIndex: device.index,
                name: device.name,
                receiving: ARPPacket.etherType
            )
            let zero = LinkLayerAddress(bytes: [UInt8](repeating: 0, count: device.hardware.bytes.count))
            probes = question.addresses.compactMap { address in
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
        }

        /// The collision that a packet shows.
        func judge(_ bytes: [UInt8]) -> Collision? {
            guard let packet = ARPPacket(bytes) else {
                return nil
            }
            for address in [packet.sender, packet.target] where wanted.contains(address) {
                if let owner = CollisionProbe.claim(packet, on: address, by: question.device.hardware) {
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
                var rest = ear.probes[...]
                while !rest.isEmpty {
                    let slice = rest.prefix(PacketSocket.sliceLength)
                    try ear.socket.send(slice, etherType: ARPPacket.etherType, to: ear.question.device.broadcast)
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
}
