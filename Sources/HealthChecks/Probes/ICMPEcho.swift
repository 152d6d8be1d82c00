// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// ICMP echo messages as bytes (RFC 792, RFC 4443); no I/O.
enum ICMPEcho {
    /// Bytes of data in a request.
    static let dataLength = 64

    /// An echo request; the kernel fills in ICMPv6's checksum.
    static func request(_ family: IPAddress.Family, identifier: UInt16, sequence: UInt16) -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 8 + dataLength)
        writer.write([family == .ipv4 ? 8 : 128, 0, 0, 0])
        writer.writeBigEndian(identifier)
        writer.writeBigEndian(sequence)
        writer.write((0..<dataLength).map { UInt8(truncatingIfNeeded: $0) })
        if family == .ipv4 {
            writer.patchBigEndian(checksum(writer.bytes), at: 2)
        }
        return writer.bytes
    }

    /// Whether a packet from a raw socket (with the IP header for IPv4, without it for IPv6) is the reply to a request.
    static func isReply(
        _ packet: ArraySlice<UInt8>,
        _ family: IPAddress.Family,
        identifier: UInt16,
        sequence: UInt16
    ) -> Bool {
        var reader = ByteReader(packet)
        if family == .ipv4 {
            guard let first = packet.first, first >> 4 == 4, first & 15 >= 5, reader.skip(Int(first & 15) * 4) else {
                return false
            }
        }
        return reader.readBigEndian(UInt8.self) == (family == .ipv4 ? 0 : 129) && reader.skip(3)
            && reader.readBigEndian(UInt16.self) == identifier && reader.readBigEndian(UInt16.self) == sequence
    }

    /// The Internet checksum (RFC 1071) of an even number of bytes.
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
