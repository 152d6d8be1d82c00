// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Writes netlink attributes: headers, lengths, alignment and nests are done here and nowhere else.
///
/// - Precondition: An attribute with all it contains is at most 65535 bytes long, as its header has a 16-bit length.
public struct AttributeWriter: Sendable {
    private static let nestedFlag: UInt16 = 0x8000
    private var writer: ByteWriter

    /// Starts with no bytes.
    public init() { writer = ByteWriter() }

    /// Starts with a family header (`ifinfomsg`, `genlmsghdr`), padded to 4 bytes.
    public init(header: some Sequence<UInt8>) {
        writer = ByteWriter()
        writer.write(header)
        writer.align(to: 4)
    }

    /// What has been written, aligned to 4 bytes.
    public var bytes: [UInt8] { writer.bytes }

    /// Appends raw bytes as one attribute.
    public mutating func put(_ type: UInt16, bytes: some Collection<UInt8>) {
        precondition(bytes.count <= Int(UInt16.max) - 4, "netlink attribute too long")
        writer.writeHost(UInt16(4 + bytes.count))
        writer.writeHost(type)
        writer.write(bytes)
        writer.align(to: 4)
    }

    /// Appends an integer in host byte order.
    public mutating func putHost(_ type: UInt16, _ value: some FixedWidthInteger) {
        put(type, bytes: withUnsafeBytes(of: value, Array.init))
    }

    /// Appends an integer in network byte order.
    public mutating func putBigEndian(_ type: UInt16, _ value: some FixedWidthInteger) {
        putHost(type, value.bigEndian)
    }

    /// Appends text with its terminating NUL.
    public mutating func put(_ type: UInt16, string: String) {
        put(type, bytes: Array(string.utf8) + [0])
    }

    /// Appends the 4 or 16 bytes of an address.
    public mutating func put(_ type: UInt16, address: IPAddress) {
        put(type, bytes: address.bytes)
    }

    /// Appends an attribute without a payload, whose presence is its meaning.
    public mutating func putFlag(_ type: UInt16) {
        put(type, bytes: [])
    }

    /// Appends a nest that contains what `body` writes.
    ///
    /// - Parameters:
    ///   - type: The nest's type.
    ///   - flagged: Whether NLA_F_NESTED is set; families with strict checks need it, old ones ignore it.
    ///   - body: Writes the attributes inside.
    /// - Throws: What `body` throws; nothing is written then.
    public mutating func nest<Failure: Error>(
        _ type: UInt16,
        flagged: Bool = true,
        _ body: (inout AttributeWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var inner = AttributeWriter()
        try body(&inner)
        put(flagged ? type | Self.nestedFlag : type, bytes: inner.bytes)
    }
}
