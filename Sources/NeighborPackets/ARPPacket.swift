// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// An ARP packet for IPv4 (RFC 826) over Ethernet or InfiniBand (RFC 4391), without the link-layer header.
public struct ARPPacket: Sendable, Hashable {
    /// What the packet asks or says.
    public enum Operation: UInt16, Sendable {
        /// Who has the target address?
        case request = 1
        /// The sender has the sender address.
        case reply = 2
    }

    /// Ethernet's hardware type, which loopback, bonds, bridges and VLANs share on the wire.
    public static let ethernet: UInt16 = 1

    /// InfiniBand's hardware type.
    public static let infiniband: UInt16 = 32

    /// The protocol type in frames.
    public static let etherType: UInt16 = 0x0806

    /// The hardware type.
    public var hardwareType: UInt16

    /// Request or reply.
    public var operation: Operation

    /// The sender's hardware address.
    public var senderHardware: LinkLayerAddress

    /// The sender's address, which receivers learn; 0.0.0.0 in a probe (RFC 5227).
    public var sender: IPAddress

    /// The target's hardware address, of the same length as the sender's.
    public var targetHardware: LinkLayerAddress

    /// The target's address.
    public var target: IPAddress

    /// Describes a packet; nil unless the addresses are IPv4 and the hardware addresses have one length.
    public init?(
        hardwareType: UInt16 = ARPPacket.ethernet,
        operation: Operation,
        senderHardware: LinkLayerAddress,
        sender: IPAddress,
        targetHardware: LinkLayerAddress,
        target: IPAddress
    ) {
        guard sender.family == .ipv4, target.family == .ipv4,
            senderHardware.bytes.count == targetHardware.bytes.count
        else {
            return nil
        }
        self.hardwareType = hardwareType
        self.operation = operation
        self.senderHardware = senderHardware
        self.sender = sender
        self.targetHardware = targetHardware
        self.target = target
    }

    /// Decodes a packet; nil when it is truncated, or no IPv4 request or reply.
    ///
    /// Padding behind it is ignored.
    public init?(_ bytes: some Sequence<UInt8>) {
        var reader = ByteReader(bytes)
        guard let hardwareType = reader.readBigEndian(UInt16.self), reader.readBigEndian(UInt16.self) == 0x0800,
            let hardwareLength = reader.readBigEndian(UInt8.self), reader.readBigEndian(UInt8.self) == 4,
            let operation = reader.readBigEndian(UInt16.self).flatMap(Operation.init),
            let senderHardware = reader.read(Int(hardwareLength)).flatMap({ LinkLayerAddress(bytes: $0) }),
            let sender = reader.read(4).flatMap({ IPAddress(bytes: $0) }),
            let targetHardware = reader.read(Int(hardwareLength)).flatMap({ LinkLayerAddress(bytes: $0) }),
            let target = reader.read(4).flatMap({ IPAddress(bytes: $0) })
        else {
            return nil
        }
        self.init(
            hardwareType: hardwareType,
            operation: operation,
            senderHardware: senderHardware,
            sender: sender,
            targetHardware: targetHardware,
            target: target
        )
    }

    /// The packet's bytes: 28 on Ethernet, 56 on InfiniBand.
    public var bytes: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 16 + 2 * senderHardware.bytes.count)
        write(to: &writer)
        return writer.bytes
    }

    /// Appends the packet's bytes.
    func write(to writer: inout ByteWriter) {
        writer.writeBigEndian(hardwareType)
        writer.writeBigEndian(UInt16(0x0800))
        writer.writeBigEndian(UInt8(senderHardware.bytes.count))
        writer.writeBigEndian(UInt8(4))
        writer.writeBigEndian(operation.rawValue)
        writer.write(senderHardware.bytes)
        writer.write(sender.bytes)
        writer.write(targetHardware.bytes)
        writer.write(target.bytes)
    }
}
