// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// One netlink message: the 16-byte header's fields and what follows it (`struct nlmsghdr`, host byte order).
public struct NetlinkMessage: Sendable, Equatable {
    /// Length of the header in bytes.
    public static let headerLength = 16

    /// Message type: a control type below 16, or the family's own.
    public var type: UInt16

    /// Header flags.
    public var flags: NetlinkFlags

    /// Sequence number; an answer carries that of its request.
    public var sequence: UInt32

    /// Netlink port of the requesting socket; 0 lets the kernel fill it in.
    public var port: UInt32

    /// The bytes after the header: a family header and attributes.
    public var payload: ArraySlice<UInt8>

    /// Makes a message from its parts.
    public init(
        type: UInt16,
        flags: NetlinkFlags = [],
        sequence: UInt32 = 0,
        port: UInt32 = 0,
        payload: some Sequence<UInt8>
    ) {
        self.type = type
        self.flags = flags
        self.sequence = sequence
        self.port = port
        self.payload = ArraySlice(payload)
    }

    /// Appends the message, padded to the 4-byte alignment that the next one in the same datagram needs.
    public func encode(into writer: inout ByteWriter) {
        writer.writeHost(UInt32(Self.headerLength + payload.count))
        writer.writeHost(type)
        writer.writeHost(flags.rawValue)
        writer.writeHost(sequence)
        writer.writeHost(port)
        writer.write(payload)
        writer.align(to: 4)
    }

    /// The messages of one datagram.
    ///
    /// A length that is shorter than a header or longer than the rest ends the walk: `complete` is false then and what
    /// came before is kept.
    public static func parse(_ datagram: some Sequence<UInt8>) -> (messages: [NetlinkMessage], complete: Bool) {
        var rest = ArraySlice(datagram)
        var messages: [NetlinkMessage] = []
        while !rest.isEmpty {
            guard
                let length = rest.hostInteger(UInt32.self).map(Int.init), length >= headerLength, length <= rest.count,
                let type = rest.dropFirst(4).hostInteger(UInt16.self),
                let flags = rest.dropFirst(6).hostInteger(UInt16.self),
                let sequence = rest.dropFirst(8).hostInteger(UInt32.self),
                let port = rest.dropFirst(12).hostInteger(UInt32.self)
            else {
                return (messages, false)
            }
            messages.append(
                NetlinkMessage(
                    type: type,
                    flags: NetlinkFlags(rawValue: flags),
                    sequence: sequence,
                    port: port,
                    payload: rest[rest.startIndex + headerLength..<rest.startIndex + length]
                )
            )
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return (messages, true)
    }
}

extension ArraySlice<UInt8> {
    /// The integer in host byte order at the start; nil when there are too few bytes.
    ///
    /// Inlinable: a table of 10000 servers asks for some hundred thousand integers.
    @inlinable package func hostInteger<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer? {
        guard count >= MemoryLayout<Integer>.size else {
            return nil
        }
        return withUnsafeBytes { $0.loadUnaligned(as: Integer.self) }
    }
}
