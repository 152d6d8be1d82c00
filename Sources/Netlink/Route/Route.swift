// SPDX-License-Identifier: Apache-2.0
import CNetlink
public import LinuxKit

/// An entry of a routing table (`ip route show`).
public struct Route: Sendable, Equatable {
    /// What happens to packets (`RTN_…`).
    public enum Kind: UInt8, Sendable {
        /// Passed on or delivered on the link.
        case unicast = 1
        /// Delivered here.
        case local = 2
        /// Delivered here as broadcast.
        case broadcast = 3
        /// Anycast.
        case anycast = 4
        /// Multicast.
        case multicast = 5
        /// Dropped silently.
        case blackhole = 6
        /// Refused as unreachable.
        case unreachable = 7
        /// Refused as prohibited.
        case prohibit = 8
        /// Looked up in the next table.
        case `throw` = 9
        /// Translated.
        case nat = 10
    }

    /// The main table's number.
    public static let mainTable: UInt32 = 254

    /// The local table's number.
    public static let localTable: UInt32 = 255

    /// The destination; all zeros for a default route.
    public var destination: IPAddress

    /// The length of the destination's prefix; 0 for a default route.
    public var prefixLength: UInt8

    /// What happens to packets.
    public var kind: Kind

    /// The table's number.
    public var table: UInt32

    /// Who installed the route (`RTPROT_…`): 2 is the kernel, 3 boot, 4 static.
    public var origin: UInt8

    /// The scope (`RT_SCOPE_…`): 253 is a directly connected destination.
    public var scope: UInt8

    /// The index of the outgoing interface; nil for multipath routes and for those that drop.
    public var interfaceIndex: Int32?

    /// The next hop; nil when the destination is on the link.
    public var gateway: IPAddress?

    /// The preferred source address; nil when none is set.
    public var preferredSource: IPAddress?

    /// The metric; nil when none is set, which counts as 0.
    public var metric: UInt32?

    /// Describes a route.
    public init(
        destination: IPAddress,
        prefixLength: UInt8,
        kind: Kind = .unicast,
        table: UInt32 = Route.mainTable,
        origin: UInt8 = 2,
        scope: UInt8 = 253,
        interfaceIndex: Int32?,
        gateway: IPAddress? = nil,
        preferredSource: IPAddress? = nil,
        metric: UInt32? = nil
    ) {
        self.destination = destination
        self.prefixLength = prefixLength
        self.kind = kind
        self.table = table
        self.origin = origin
        self.scope = scope
        self.interfaceIndex = interfaceIndex
        self.gateway = gateway
        self.preferredSource = preferredSource
        self.metric = metric
    }

    /// Decodes `RTM_NEWROUTE` and `RTM_DELROUTE`; nil for other messages, other families and truncated ones.
    public init?(_ message: NetlinkMessage) {
        let header = Array(message.payload.prefix(12))
        // struct rtmsg: family, lengths of destination and source, tos, table, protocol, scope, type, flags.
        guard message.type == UInt16(RTM_NEWROUTE) || message.type == UInt16(RTM_DELROUTE), header.count == 12,
            let kind = Kind(rawValue: header[7])
        else {
            return nil
        }
        let attributes = NetlinkAttributes(message.payload.dropFirst(12))
        func attribute(_ type: rtattr_type_t) -> NetlinkAttribute? { attributes[UInt16(type.rawValue)] }
        let family: IPAddress.Family
        switch Int32(header[0]) {
        case IPAddress.Family.ipv4.raw: family = .ipv4
        case IPAddress.Family.ipv6.raw: family = .ipv6
        default: return nil
        }
        let zero = [UInt8](repeating: 0, count: family.byteCount)
        guard let destination = attribute(RTA_DST)?.address ?? IPAddress(bytes: zero), destination.family == family,
            Int(header[1]) <= family.byteCount * 8
        else {
            return nil
        }
        self.init(
            destination: destination,
            prefixLength: header[1],
            kind: kind,
            table: attribute(RTA_TABLE)?.host(UInt32.self) ?? UInt32(header[4]),
            origin: header[5],
            scope: header[6],
            interfaceIndex: attribute(RTA_OIF)?.host(Int32.self),
            gateway: attribute(RTA_GATEWAY)?.address,
            preferredSource: attribute(RTA_PREFSRC)?.address,
            metric: attribute(RTA_PRIORITY)?.host(UInt32.self)
        )
    }

    /// Whether the destination's prefix contains an address.
    public func contains(_ address: IPAddress) -> Bool {
        address.family == destination.family && address.hasPrefix(destination, length: prefixLength)
    }
}

extension IPAddress {
    /// Whether the first `length` bits equal those of another address of the same family.
    public func hasPrefix(_ other: IPAddress, length: UInt8) -> Bool {
        guard family == other.family, Int(length) <= family.byteCount * 8 else {
            return false
        }
        let whole = Int(length / 8)
        guard bytes[..<whole] == other.bytes[..<whole] else {
            return false
        }
        let rest = length % 8
        return rest == 0 || (bytes[whole] ^ other.bytes[whole]) >> (8 - rest) == 0
    }
}
