// SPDX-License-Identifier: Apache-2.0

/// Reads integers and byte runs from a buffer, checked: nil instead of a trap when the bytes run out.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Reads from the start of `bytes`.
    public init(_ bytes: some Sequence<UInt8>) {
        self.bytes = ArraySlice(bytes)
        position = self.bytes.startIndex
    }

    /// Bytes not read yet.
    public var remaining: Int { bytes.endIndex - position }

    /// The next `count` bytes; nil when there are fewer.
    public mutating func read(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remaining else {
            return nil
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Passes over `count` bytes; false when there are fewer.
    public mutating func skip(_ count: Int) -> Bool { read(count) != nil }

    /// The next integer in network byte order.
    public mutating func readBigEndian<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) -> Integer? {
        guard let run = read(MemoryLayout<Integer>.size) else {
            return nil
        }
        return run.reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
    }

    /// The next integer in the host's byte order, which netlink uses.
    public mutating func readHost<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) -> Integer? {
        readBigEndian(type).map(Integer.init(bigEndian:))
    }
}
