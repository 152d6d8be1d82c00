// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// A datagram of the kernel's sync daemons, checked by the rules of the kernel's receiver and a little stricter.
///
/// It has no checksum and no authentication of its own; what is here is only known to be well formed.
public struct SyncDatagram: Equatable, Sendable {
    /// The form of the records.
    public enum Version: Sendable {
        /// IPv4 without time-outs and marks (`sync_version` 0).
        case zero
        /// IPv4 and IPv6 with options.
        case one
    }

    /// Why bytes are no datagram that the kernel would take.
    public enum Malformation: Error, Equatable, Sendable {
        /// Shorter than a header, or the size in the header is another one.
        case wrongSize
        /// No records, or more or fewer than the header says.
        case wrongCount
        /// A record that does not fit, or has an unknown type or version.
        case badRecord
        /// An option of a record that does not fit, is unknown and not skippable, or comes twice.
        case badOption
    }

    /// The longest payload that fits into a UDP datagram.
    public static let longest = 65507

    /// The bytes as they came.
    public private(set) var bytes: [UInt8]

    /// The form of the records.
    public let version: Version

    /// Where the records are; without the padding between them.
    public let records: [Range<Int>]

    /// Checks a payload.
    ///
    /// - Throws: ``Malformation``.
    public init(_ bytes: [UInt8]) throws(Malformation) {
        guard bytes.count >= 4, bytes.count <= Self.longest, Int(Self.number(bytes, 2)) == bytes.count else {
            throw .wrongSize
        }
        self.bytes = bytes
        if bytes.count >= 8, bytes[0] == 0, bytes[5] == 1, bytes[6] == 0, bytes[7] == 0 {
            version = .one
            records = try Self.recordsOfOne(bytes)
        } else {
            version = .zero
            records = try Self.recordsOfZero(bytes)
        }
    }

    /// The id of the group of directors.
    public var syncID: UInt8 {
        get { bytes[1] }
        set { bytes[1] = newValue }
    }

    /// The connection of a record of version 1; nil for version 0.
    public func connection(_ record: Range<Int>) -> SyncConnection? {
        version == .one ? SyncConnection(decoding: bytes[record]) : nil
    }

    private static func number(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
        UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    /// Header of 4 bytes: count, id, size; records of 24 bytes, 48 with sequence data.
    private static func recordsOfZero(_ bytes: [UInt8]) throws(Malformation) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var offset = 4
        for _ in 0..<bytes[0] {
            guard offset + 24 <= bytes.count else {
                throw .badRecord
            }
            let length = number(bytes, offset + 20) & 0x0600 != 0 ? 48 : 24
            guard offset + length <= bytes.count else {
                throw .badRecord
            }
            found.append(offset..<offset + length)
            offset += length
        }
        guard !found.isEmpty, offset == bytes.count else {
            throw .wrongCount
        }
        return found
    }

    /// Header of 8 bytes: 0, id, size, count, version, 0; every record starts at a multiple of 4.
    private static func recordsOfOne(_ bytes: [UInt8]) throws(Malformation) -> [Range<Int>] {
        var found: [Range<Int>] = []
        found.reserveCapacity(Int(bytes[4]))
        var offset = 8
        var end = 8
        for _ in 0..<bytes[4] {
            guard offset + 36 <= bytes.count, bytes[offset] & ~1 == 0 else {
                throw .badRecord
            }
            let word = number(bytes, offset + 2)
            let length = Int(word & 0x0fff)
            let fixed = SyncConnection.fixedLength(isIPv6: bytes[offset] & 1 == 1)
            guard word >> 12 == 0, length >= fixed, offset + length <= bytes.count else {
                throw .badRecord
            }
            end = offset + length
            try checkOptions(bytes, offset + fixed, end)
            found.append(offset..<end)
            offset = (end + 3) & ~3
        }
        guard !found.isEmpty, bytes.count - end < 4 else {
            throw .wrongCount
        }
        return found
    }

    /// Options: type, length, data.
    ///
    /// 1 is sequence data, 2 the data and 3 the name of a persistence engine.
    private static func checkOptions(_ bytes: [UInt8], _ start: Int, _ end: Int) throws(Malformation) {
        var offset = start
        var seen: UInt8 = 0
        while offset < end {
            guard offset + 2 <= end else {
                throw .badOption
            }
            let type = bytes[offset] & 0x3f
            let length = Int(bytes[offset + 1])
            guard length >= 1, offset + 2 + length <= end else {
                throw .badOption
            }
            switch type {
            case 1...3:
                let bit: UInt8 = 1 << type
                guard seen & bit == 0, type != 1 || length == 24, type != 3 || length <= 16 else {
                    throw .badOption
                }
                seen |= bit
            default:
                // Bit 6 says that the record is good without the option.
                guard bytes[offset] & 0x40 != 0 else {
                    throw .badOption
                }
            }
            offset += 2 + length
        }
    }
}
