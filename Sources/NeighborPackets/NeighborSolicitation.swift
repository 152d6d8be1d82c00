// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// The question who has an IPv6 address (RFC 4861, 4.3): the ICMPv6 message without its IPv6 header.
public struct NeighborSolicitation: Sendable, Hashable {
    /// The address that is asked for.
    public let target: IPAddress

    /// The hardware address of who asks.
    public let hardware: LinkLayerAddress

    /// Describes a question; nil unless the target is IPv6.
    public init?(target: IPAddress, hardware: LinkLayerAddress) {
        guard target.family == .ipv6 else {
            return nil
        }
        self.target = target
        self.hardware = hardware
    }

    /// Where it is sent when the target's hardware address is not known: the solicited-node address (RFC 4291, 2.7.1).
    public var group: IPAddress {
        let prefix: [UInt8] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]
        return IPAddress(bytes: prefix + target.bytes.suffix(3)) ?? target
    }

    /// The message; its checksum is zero, the kernel fills it in on a raw ICMPv6 socket (RFC 3542, 3.1).
    public var bytes: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 32)
        writer.write([135, 0, 0, 0])
        writer.writeZeros(4)
        writer.write(target.bytes)
        NeighborAdvertisement.writeOption(1, hardware, to: &writer)
        return writer.bytes
    }
}
