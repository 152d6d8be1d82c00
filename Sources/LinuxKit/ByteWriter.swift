// SPDX-License-Identifier: Apache-2.0

/// Appends integers and byte runs to a buffer with an explicit byte order.
public struct ByteWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8]

    /// Starts with an empty buffer.
    public init(reservingCapacity capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Appends bytes as they are.
    public mutating func write(_ run: some Sequence<UInt8>) { bytes.append(contentsOf: run) }

    /// Appends `count` zero bytes.
    public mutating func writeZeros(_ count: Int) { bytes.append(contentsOf: repeatElement(0, count: count)) }

    /// Appends an integer in network byte order.
    public mutating func writeBigEndian(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends an integer in the host's byte order, which netlink uses.
    public mutating func writeHost(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    /// Overwrites bytes that were written before (a length that is known only at the end).
    ///
    /// - Precondition: The run lies within what has been written.
    public mutating func patchHost(_ value: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }

    /// Overwrites an integer in network byte order at an offset written before.
    ///
    /// - Precondition: The run lies within what has been written.
    public mutating func patchBigEndian(_ value: some FixedWidthInteger, at offset: Int) {
        patchHost(value.bigEndian, at: offset)
    }

    /// Appends zeros until the length is a multiple of `alignment`.
    public mutating func align(to alignment: Int) {
        writeZeros((alignment - bytes.count % alignment) % alignment)
    }
}
