// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Netlink

/// Asks the link whether anybody owns an IPv4 address (RFC 5227, 2.1.1), like `arping -D -c 2`.
enum CollisionProbe {
    /// Sends two probes a second apart and listens until a second after the last.
    ///
    /// - Parameters:
    ///   - address: The address that is about to be taken.
    ///   - device: Where it is to live.
    /// - Returns: The hardware address of another owner; nil when nobody answered.
    /// - Throws: ``SystemError`` when the link cannot be asked.
    static func owner(of address: IPAddress, on device: AnnouncingDevice) throws(SystemError) -> LinkLayerAddress? {
        let zero = LinkLayerAddress(bytes: [UInt8](repeating: 0, count: device.hardware.bytes.count))
        guard let zero,
            let probe = ARPPacket(
                hardwareType: device.hardwareType == ARPPacket.infiniband ? ARPPacket.infiniband : ARPPacket.ethernet,
                operation: .request,
                senderHardware: device.hardware,
                sender: IPAddress(ipv4: 0),
                targetHardware: zero,
                target: address
            )
        else {
            return nil
        }
        let socket = try PacketSocket(
            interfaceIndex: device.index,
            name: device.name,
            receiving: ARPPacket.etherType
        )
        for _ in 0..<2 {
            try socket.send(probe.bytes, etherType: ARPPacket.etherType, to: device.broadcast)
            let deadline = Deadline(after: .seconds(1))
            while let bytes = try socket.receive(until: deadline) {
                if let packet = ARPPacket(bytes), let owner = claim(packet, on: address, by: device.hardware) {
                    return owner
                }
                if deadline.hasPassed {
                    break
                }
            }
        }
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
