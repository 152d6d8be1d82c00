// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An IPv4 or IPv6 address as a value, compared by its bytes and never by its text.
public struct IPAddress: Hashable, Sendable, Comparable, CustomStringConvertible, LosslessStringConvertible {
    /// The address family.
    public enum Family: Sendable, Hashable {
        case ipv4
        case ipv6

        /// `AF_INET` or `AF_INET6`.
        public var raw: CInt {
            switch self {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            }
        }

        /// Length of an address: 4 or 16 bytes.
        public var byteCount: Int {
            switch self {
            case .ipv4: 4
            case .ipv6: 16
            }
        }
    }

    /// The family this address belongs to.
    public let family: Family

    /// The address in network byte order, 4 or 16 bytes.
    public let bytes: [UInt8]

    /// Makes an address from its bytes in network order; nil unless there are 4 or 16.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: family = .ipv4
        case 16: family = .ipv6
        default: return nil
        }
        self.bytes = Array(bytes)
    }

    /// Makes an IPv4 address from its value in host order (`0x7f000001` is 127.0.0.1).
    public init(ipv4 value: UInt32) {
        family = .ipv4
        bytes = withUnsafeBytes(of: value.bigEndian, Array.init)
    }

    /// Parses the strict text forms of inet_pton(3): four decimal octets without leading zeros, or IPv6 without a zone.
    public init?(_ description: String) {
        let family: Family = description.utf8.contains(UInt8(ascii: ":")) ? .ipv6 : .ipv4
        var bytes = [UInt8](repeating: 0, count: family.byteCount)
        guard inet_pton(family.raw, description, &bytes) == 1 else {
            return nil
        }
        self.family = family
        self.bytes = bytes
    }

    /// The canonical text (RFC 5952 for IPv6), without brackets.
    public var description: String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // Cannot fail: the family is known and the buffer is large enough for both.
        _ = inet_ntop(family.raw, bytes, &buffer, socklen_t(buffer.count))
        return String(nulTerminated: buffer)
    }

    /// The text as used before a port: IPv6 in brackets.
    public var bracketed: String {
        family == .ipv6 ? "[\(description)]" : description
    }

    /// The value of an IPv4 address in host order; nil for IPv6.
    public var ipv4Value: UInt32? {
        family == .ipv4 ? bytes.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }

    /// IPv4 before IPv6, then by value.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        left.bytes.count == right.bytes.count
            ? left.bytes.lexicographicallyPrecedes(right.bytes) : left.bytes.count < right.bytes.count
    }

    /// Loopback: 127/8 or ::1.
    public var isLoopback: Bool {
        family == .ipv4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// Multicast: 224/4 or ff00::/8.
    public var isMulticast: Bool {
        family == .ipv4 ? bytes[0] & 0xf0 == 0xe0 : bytes[0] == 0xff
    }

    /// Link-local: 169.254/16 or fe80::/10.
    public var isLinkLocal: Bool {
        family == .ipv6 ? bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 : bytes[0] == 169 && bytes[1] == 254
    }
}
