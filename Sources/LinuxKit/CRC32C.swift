// SPDX-License-Identifier: Apache-2.0

/// The Castagnoli checksum (RFC 3720 appendix B.4), reflected polynomial 0x82f63b78.
public struct CRC32C: Sendable {
    /// Eight tables, so that eight bytes are taken in one step.
    private static let tables: [UInt32] = {
        var tables = (0..<256).map { (index: UInt32) in
            (0..<8).reduce(index) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
        }
        for index in 256..<2048 {
            let value = tables[index - 256]
            tables.append(value >> 8 ^ tables[Int(value & 0xff)])
        }
        return tables
    }()

    private var state: UInt32 = ~0

    /// Begins with no bytes.
    public init() {}

    /// The checksum of all bytes so far.
    public var value: UInt32 { ~state }

    /// Takes further bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let state = self.state
        self.state = Self.tables.withUnsafeBufferPointer { tables in
            var state = state
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let mixed = word ^ UInt64(state)
                state = 0
                for position in 0..<8 {
                    let byte = Int(truncatingIfNeeded: mixed >> (8 * UInt64(position)) & 0xff)
                    state ^= tables[(7 - position) * 256 + byte]
                }
                offset += 8
            }
            while offset < bytes.count {
                state = state >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: state) ^ bytes[offset])]
                offset += 1
            }
            return state
        }
    }

    /// The checksum of `bytes`.
    public static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var checksum = CRC32C()
        if bytes.withContiguousStorageIfAvailable({ checksum.update(UnsafeRawBufferPointer($0)) }) == nil {
            Array(bytes).withUnsafeBytes { checksum.update($0) }
        }
        return checksum.value
    }
}
