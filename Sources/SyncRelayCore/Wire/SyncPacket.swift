// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Finds the payload of a sync datagram in an IP packet.
public enum SyncPacket {
    /// The kernel's daemons use at most so many ports, one for each thread.
    private static let ports: UInt16 = 64

    /// The address that a packet is from, as its header says; nil when it is too short.
    static func source(_ packet: ArraySlice<UInt8>) -> IPAddress? {
        var reader = ByteReader(packet)
        let isIPv6 = packet.first.map { $0 >> 4 == 6 } ?? false
        guard reader.skip(isIPv6 ? 8 : 12) else {
            return nil
        }
        return reader.read(isIPv6 ? 16 : 4).flatMap { IPAddress(bytes: $0) }
    }

    /// Reads the IP and UDP headers (RFC 791, RFC 8200, RFC 768).
    ///
    /// - Parameters:
    ///   - packet: From the IP header on; it may be followed by padding.
    ///   - group: The destination address.
    ///   - first: The first of the destination ports.
    /// - Returns: The UDP payload; nil for other packets and for fragments.
    public static func payload(_ packet: ArraySlice<UInt8>, group: IPAddress, ports first: UInt16) -> ArraySlice<UInt8>?
    {
        var reader = ByteReader(packet)
        guard let start = packet.first else {
            return nil
        }
        if start >> 4 == 4 {
            let header = Int(start & 0xf) * 4
            guard header >= 20, reader.skip(6), let fragment = reader.readBigEndian(UInt16.self),
                // Neither an offset nor more fragments to come.
                fragment & 0x3fff == 0, reader.skip(1), reader.readBigEndian(UInt8.self) == 17, reader.skip(6),
                reader.read(4).flatMap({ IPAddress(bytes: $0) }) == group, reader.skip(header - 20)
            else {
                return nil
            }
        } else {
            guard start >> 4 == 6, reader.skip(6), reader.readBigEndian(UInt8.self) == 17, reader.skip(17),
                reader.read(16).flatMap({ IPAddress(bytes: $0) }) == group
            else {
                return nil
            }
        }
        guard reader.skip(2), let port = reader.readBigEndian(UInt16.self), port &- first < ports,
            let length = reader.readBigEndian(UInt16.self), length >= 8, reader.skip(2)
        else {
            return nil
        }
        return reader.read(Int(length) - 8)
    }
}
