// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// One attribute of a netlink message: a type and its payload (`struct nlattr`).
public struct NetlinkAttribute: Sendable, Equatable {
    /// The type without the flag bits (NLA_TYPE_MASK).
    public let type: UInt16

    /// The bytes after the 4-byte attribute header, without padding.
    public let payload: ArraySlice<UInt8>

    /// The payload's start as an integer in host byte order; nil when it is too short.
    @inlinable public func host<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) -> Integer? {
        payload.hostInteger(type)
    }

    /// The payload's start as an integer in network byte order; nil when it is too short.
    @inlinable public func bigEndian<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) -> Integer? {
        payload.hostInteger(type).map(Integer.init(bigEndian:))
    }

    /// The text before the first NUL; invalid UTF-8 is repaired.
    public var string: String { String(decoding: payload.prefix { $0 != 0 }, as: UTF8.self) }

    /// The payload as an address of 4 or 16 bytes; nil for any other length.
    public var address: IPAddress? { IPAddress(bytes: payload) }

    /// The attributes inside a nest.
    public var nested: NetlinkAttributes { NetlinkAttributes(payload) }
}

/// The attributes of a message or of a nest, in their order; unknown ones are kept, broken ones end the list.
public struct NetlinkAttributes: Sendable, Equatable {
    /// The flag bits NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of a type.
    private static let typeMask: UInt16 = 0x3fff
    private static let headerLength = 4

    /// All attributes that were read.
    public let all: [NetlinkAttribute]

    /// Whether the bytes ended where the last attribute ended; false for truncated or malformed input.
    public let isComplete: Bool

    /// Reads a run of attributes; never fails, see ``isComplete``.
    public init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        var found: [NetlinkAttribute] = []
        // What IPVS says of a server has 15; growing step by step costs more than reading them.
        found.reserveCapacity(min(16, bytes.count / Self.headerLength))
        var complete = true
        while !rest.isEmpty {
            guard
                let length = rest.hostInteger(UInt16.self).map(Int.init),
                let type = rest.dropFirst(2).hostInteger(UInt16.self),
                length >= Self.headerLength, length <= rest.count
            else {
                complete = false
                break
            }
            let payload = rest[rest.startIndex + Self.headerLength..<rest.startIndex + length]
            found.append(NetlinkAttribute(type: type & Self.typeMask, payload: payload))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        all = found
        isComplete = complete
    }

    /// The attribute of a type; the last one when it is repeated, as the kernel's parser does.
    public subscript(type: UInt16) -> NetlinkAttribute? {
        all.last { $0.type == type }
    }
}
