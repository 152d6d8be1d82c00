// SPDX-License-Identifier: Apache-2.0
import Glibc
public import LinuxKit

/// Asks links whether anybody owns one of some IPv4 addresses (RFC 5227, 2.1.1), like `arping -D -c 2`, but two seconds for
/// all of them together.
public enum CollisionProbe {
    /// The addresses that are to live on one device.
    public struct Question: Sendable {
        let device: AnnouncingDevice
        let addresses: [IPAddress]

        /// Joins a device and IPv4 addresses.
        public init(device: AnnouncingDevice, addresses: [IPAddress]) {
            self.device = device
            self.addresses = addresses
        }
    }

    /// Another owner.
    public struct Collision: Sendable, Equatable {
        /// The address that is taken.
        public let address: IPAddress

        /// The hardware address of who has it.
        public let owner: LinkLayerAddress

        /// The device on which the owner answered.
        public let link: String

        /// The collision in words.
        public var reason: String { "IPv4 address collision: \(owner) on \(link) has \(address) already" }
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

    /// Sends probes for every address and listens until as long after the last as there is time between two.
    ///
    /// - Parameters:
    ///   - questions: The addresses, device by device.
    ///   - probes: How many times every address is asked for.
    ///   - spacing: Time between two probes of an address.
    /// - Returns: The first owner that shows; nil when nobody answers.
    /// - Throws: ``SystemError`` when a link cannot be asked.
    public static func run(
        _ questions: [Question],
        probes: Int = 2,
        spacing: Duration = .seconds(1)
    ) throws(SystemError) -> Collision? {
        var ears: [Ear] = []
        for question in questions {
            ears.append(try Ear(question))
        }
        for _ in 0..<probes {
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
            if let collision = try listen(ears, until: Deadline(after: spacing)) {
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
