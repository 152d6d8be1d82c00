// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// An unsolicited neighbour advertisement (RFC 4861, 4.4 and 7.2.6): the ICMPv6 message without its IPv6 header.
public struct NeighborAdvertisement: Sendable, Hashable {
    /// The address that is advertised.
    public var target: IPAddress

    /// The hardware address that it has now.
    public var hardware: LinkLayerAddress

    /// Whether the sender is a router; peers drop a default router that says it is none.
    public var isRouter: Bool

    /// Whether receivers replace what they have cached.
    public var isOverride: Bool

    /// Describes an advertisement; nil unless the target is IPv6.
    public init?(target: IPAddress, hardware: LinkLayerAddress, isRouter: Bool, isOverride: Bool = true) {
        guard target.family == .ipv6 else {
            return nil
        }
        self.target = target
        self.hardware = hardware
        self.isRouter = isRouter
        self.isOverride = isOverride
    }

    /// Decodes a message with its target link-layer address option; nil for anything else.
    public init?(_ bytes: some Sequence<UInt8>, hardwareLength: Int = 6) {
        var reader = ByteReader(bytes)
        guard reader.readBigEndian(UInt8.self) == 136, reader.readBigEndian(UInt8.self) == 0, reader.skip(2),
            let flags = reader.readBigEndian(UInt32.self),
            let target = reader.read(16).flatMap({ IPAddress(bytes: $0) })
        else {
            return nil
        }
        let padding = Self.optionPadding(hardwareLength)
        while let type = reader.readBigEndian(UInt8.self), let units = reader.readBigEndian(UInt8.self), units > 0 {
            guard var option = reader.read(Int(units) * 8 - 2).map({ ByteReader($0) }) else {
                return nil
            }
            if type == 2, option.skip(padding),
                let hardware = option.read(hardwareLength).flatMap({ LinkLayerAddress(bytes: $0) })
            {
                self.init(
                    target: target,
                    hardware: hardware,
                    isRouter: flags >> 31 == 1,
                    isOverride: flags >> 29 & 1 == 1
                )
                return
            }
        }
        return nil
    }

    /// The message; its checksum is zero, the kernel fills it in on a raw ICMPv6 socket (RFC 3542, 3.1).
    public var bytes: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 48)
        writer.write([136, 0, 0, 0])
        writer.writeBigEndian((isRouter ? UInt32(1) << 31 : 0) | (isOverride ? UInt32(1) << 29 : 0))
        writer.write(target.bytes)
        Self.writeOption(2, hardware, to: &writer)
        return writer.bytes
    }

    /// Whom an advertisement is about that answers a question (its flag S is set); nil for anything else.
    ///
    /// Options are not looked at: who answers a question that was sent to it alone may leave them out (RFC 4861, 4.4).
    public static func solicitedTarget(of bytes: some Sequence<UInt8>) -> IPAddress? {
        var reader = ByteReader(bytes)
        guard reader.readBigEndian(UInt8.self) == 136, reader.readBigEndian(UInt8.self) == 0, reader.skip(2),
            let flags = reader.readBigEndian(UInt32.self), flags >> 30 & 1 == 1
        else {
            return nil
        }
        return reader.read(16).flatMap { IPAddress(bytes: $0) }
    }

    /// Appends an option with a link-layer address: 1 the source's, 2 the target's (RFC 4861, 4.6.1).
    static func writeOption(_ type: UInt8, _ hardware: LinkLayerAddress, to writer: inout ByteWriter) {
        let padding = optionPadding(hardware.bytes.count)
        let length = 2 + padding + hardware.bytes.count
        let units = (length + 7) / 8
        writer.write([type, UInt8(units)])
        writer.writeZeros(padding)
        writer.write(hardware.bytes)
        writer.writeZeros(units * 8 - length)
    }

    /// InfiniBand pads the option with two bytes before the 20-byte address (RFC 4391, 9.3); Ethernet with none.
    private static func optionPadding(_ hardwareLength: Int) -> Int { hardwareLength == 20 ? 2 : 0 }
}
