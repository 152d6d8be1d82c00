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

    /// The first eight bytes of an IPv6 address as a number, 0 for IPv4.
    ///
    /// Two numbers instead of an array: tables and configurations hold addresses by the ten thousand, hashed and compared.
    private let high: UInt64

    /// The last eight bytes of an IPv6 address, or the four of IPv4, as a number.
    private let low: UInt64

    /// The address in network byte order, 4 or 16 bytes.
    public var bytes: [UInt8] {
        switch family {
        case .ipv4: (0..<4).map { UInt8(truncatingIfNeeded: low >> (24 - 8 * $0)) }
        case .ipv6: (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * ($0 & 7))) }
        }
    }

    /// Makes an address from its bytes in network order; nil unless there are 4 or 16.
    @inlinable public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self.init(ipv4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            var high: UInt64 = 0
            var low: UInt64 = 0
            for byte in bytes {
                high = high << 8 | low >> 56
                low = low << 8 | UInt64(byte)
            }
            self.init(ipv6: high, low)
        default: return nil
        }
    }

    /// Makes an IPv4 address from its value in host order (`0x7f000001` is 127.0.0.1).
    public init(ipv4 value: UInt32) {
        family = .ipv4
        high = 0
        low = UInt64(value)
    }

    /// Makes an IPv6 address from its two halves in host order.
    @usableFromInline init(ipv6 high: UInt64, _ low: UInt64) {
        family = .ipv6
        self.high = high
        self.low = low
    }

    /// Parses the strict text forms of inet_pton(3): four decimal octets without leading zeros, or IPv6 without a zone.
    public init?(_ description: String) {
        if description.utf8.contains(UInt8(ascii: ":")) {
            var halves: (UInt64, UInt64) = (0, 0)
            guard inet_pton(AF_INET6, description, &halves) == 1 else {
                return nil
            }
            self.init(ipv6: UInt64(bigEndian: halves.0), UInt64(bigEndian: halves.1))
        } else {
            var value: UInt32 = 0
            guard inet_pton(AF_INET, description, &value) == 1 else {
                return nil
            }
            self.init(ipv4: UInt32(bigEndian: value))
        }
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
        family == .ipv4 ? UInt32(truncatingIfNeeded: low) : nil
    }

    /// IPv4 before IPv6, then by value.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        left.family == right.family
            ? (left.high, left.low) < (right.high, right.low) : left.family == .ipv4
    }

    /// Loopback: 127/8 or ::1.
    public var isLoopback: Bool {
        family == .ipv4 ? low >> 24 == 127 : high == 0 && low == 1
    }

    /// Multicast: 224/4 or ff00::/8.
    public var isMulticast: Bool {
        family == .ipv4 ? low >> 28 == 0xe : high >> 56 == 0xff
    }

    /// Link-local: 169.254/16 or fe80::/10.
    public var isLinkLocal: Bool {
        family == .ipv4 ? low >> 16 == 0xa9fe : high >> 54 == 0x3fa
    }
}
