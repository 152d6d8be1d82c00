// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// An ICMP echo request and the reply to it (RFC 792, RFC 4443).
struct EchoMessage: Equatable, Sendable {
    private static let request: UInt8 = 8
    private static let reply: UInt8 = 0
    private static let icmpv6Request: UInt8 = 128
    private static let icmpv6Reply: UInt8 = 129

    /// Identifies the sender.
    var identifier: UInt16

    /// Counts requests.
    var sequence: UInt16

    /// The request with its checksum.
    var requestBytes: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 8)
        writer.write([Self.request, 0, 0, 0])
        writer.writeBigEndian(identifier)
        writer.writeBigEndian(sequence)
        writer.patchBigEndian(Self.checksum(writer.bytes), at: 2)
        return writer.bytes
    }

    /// The request of RFC 4443; the kernel fills in its checksum.
    var icmpv6RequestBytes: [UInt8] {
        var bytes = requestBytes
        bytes.replaceSubrange(0..<4, with: [Self.icmpv6Request, 0, 0, 0])
        return bytes
    }

    /// Reads a reply as a raw IPv6 socket delivers it, without any header; nil for anything else.
    init?(icmpv6Reply bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard reader.readBigEndian(UInt8.self) == Self.icmpv6Reply, reader.skip(3),
            let identifier = reader.readBigEndian(UInt16.self), let sequence = reader.readBigEndian(UInt16.self)
        else {
            return nil
        }
        self.init(identifier: identifier, sequence: sequence)
    }

    init(identifier: UInt16, sequence: UInt16) {
        self.identifier = identifier
        self.sequence = sequence
    }

    /// Reads a reply as a raw IPv4 socket delivers it, IP header included; nil for anything else.
    init?(replyWithHeader bytes: [UInt8]) {
        guard let first = bytes.first, first >> 4 == 4 else {
            return nil
        }
        var reader = ByteReader(bytes.dropFirst(Int(first & 0x0f) * 4))
        guard reader.readBigEndian(UInt8.self) == Self.reply, reader.skip(3),
            let identifier = reader.readBigEndian(UInt16.self), let sequence = reader.readBigEndian(UInt16.self)
        else {
            return nil
        }
        self.init(identifier: identifier, sequence: sequence)
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count - 1, by: 2) {
            sum += UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
        }
        while sum > 0xffff {
            sum = sum & 0xffff + sum >> 16
        }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
