// SPDX-License-Identifier: Apache-2.0
import CNetlink
public import LinuxKit

/// An IP address on an interface (`ip address show`).
public struct InterfaceAddress: Sendable, Hashable {
    /// Flags of an address (`IFA_F_…` of `linux/if_addr.h`).
    public struct Flags: OptionSet, Sendable, Hashable {
        /// The bits as the kernel numbers them.
        public let rawValue: UInt32

        /// Wraps the kernel's bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// IPv4: not the first address of its subnet on the interface.
        public static let secondary = Self(rawValue: 0x01)
        /// IPv6: no duplicate address detection.
        public static let noDuplicateDetection = Self(rawValue: 0x02)
        /// IPv6: duplicate address detection found another owner.
        public static let duplicate = Self(rawValue: 0x08)
        /// IPv6: not preferred as source address.
        public static let deprecated = Self(rawValue: 0x20)
        /// IPv6: duplicate address detection is still running.
        public static let tentative = Self(rawValue: 0x40)
        /// Without a limit of its life.
        public static let permanent = Self(rawValue: 0x80)
        /// The kernel adds no route for the prefix.
        public static let noPrefixRoute = Self(rawValue: 0x200)
    }

    /// Scopes (`RT_SCOPE_…`).
    public enum Scope: UInt8, Sendable {
        /// Valid everywhere.
        case global = 0
        /// Valid within a site (deprecated).
        case site = 200
        /// Valid on this link.
        case link = 253
        /// Valid on this host.
        case host = 254
        /// Nowhere.
        case nowhere = 255
    }

    /// The index of the interface.
    public var interfaceIndex: Int32

    /// The address itself.
    public var address: IPAddress

    /// The length of the prefix in bits.
    public var prefixLength: UInt8

    /// The other end of a point-to-point address; nil when there is none.
    public var peer: IPAddress?

    /// The IPv4 broadcast address; nil when there is none.
    public var broadcast: IPAddress?

    /// The IPv4 label; nil for IPv6.
    public var label: String?

    /// The scope; the kernel computes it for IPv6.
    public var scope: Scope

    /// The flags.
    public var flags: Flags

    /// How long the address is preferred, in seconds; nil is for ever.
    public var preferredSeconds: UInt32?

    /// The metric of the prefix route; nil for the kernel's default.
    public var metric: UInt32?

    /// Describes an address.
    public init(
        interfaceIndex: Int32,
        address: IPAddress,
        prefixLength: UInt8,
        peer: IPAddress? = nil,
        broadcast: IPAddress? = nil,
        label: String? = nil,
        scope: Scope = .global,
        flags: Flags = [],
        preferredSeconds: UInt32? = nil,
        metric: UInt32? = nil
    ) {
        self.interfaceIndex = interfaceIndex
        self.address = address
        self.prefixLength = prefixLength
        self.peer = peer
        self.broadcast = broadcast
        self.label = label
        self.scope = scope
        self.flags = flags
        self.preferredSeconds = preferredSeconds
        self.metric = metric
    }

    /// Whether the message announces that the address has gone (`RTM_DELADDR`).
    public static func isRemoval(_ message: NetlinkMessage) -> Bool { message.type == UInt16(RTM_DELADDR) }

    /// Decodes `RTM_NEWADDR` and `RTM_DELADDR`; nil for other messages, other families and truncated ones.
    public init?(_ message: NetlinkMessage) {
        let header = message.payload
        // struct ifaddrmsg: family, prefix length, flags, scope, index.
        guard message.type == UInt16(RTM_NEWADDR) || message.type == UInt16(RTM_DELADDR),
            let family = header.first, let prefix = header.dropFirst(1).first, let scope = header.dropFirst(3).first,
            let shortFlags = header.dropFirst(2).first, let index = header.dropFirst(4).hostInteger(Int32.self)
        else {
            return nil
        }
        let attributes = NetlinkAttributes(header.dropFirst(8))
        let remote = attributes[UInt16(IFA_ADDRESS)]?.address
        // IFA_LOCAL is the address and IFA_ADDRESS its peer; without the former there is no peer.
        guard let address = attributes[UInt16(IFA_LOCAL)]?.address ?? remote, Int32(family) == address.family.raw,
            Int(prefix) <= address.family.byteCount * 8
        else {
            return nil
        }
        let lifetime = attributes[UInt16(IFA_CACHEINFO)]?.host(UInt32.self)
        self.init(
            interfaceIndex: index,
            address: address,
            prefixLength: prefix,
            peer: remote == address ? nil : remote,
            broadcast: attributes[UInt16(IFA_BROADCAST)]?.address,
            label: attributes[UInt16(IFA_LABEL)]?.string,
            scope: Scope(rawValue: scope) ?? .nowhere,
            flags: Flags(rawValue: attributes[UInt16(IFA_FLAGS)]?.host(UInt32.self) ?? UInt32(shortFlags)),
            preferredSeconds: lifetime == UInt32.max ? nil : lifetime,
            metric: attributes[UInt16(IFA_RT_PRIORITY)]?.host(UInt32.self)
        )
    }

    /// The payload of `RTM_NEWADDR` and `RTM_DELADDR` requests.
    var payload: [UInt8] {
        var header = ByteWriter(reservingCapacity: 8)
        header.write([UInt8(address.family.raw), prefixLength, UInt8(flags.rawValue & 0xff), scope.rawValue])
        header.writeHost(interfaceIndex)
        var writer = AttributeWriter(header: header.bytes)
        writer.put(UInt16(IFA_LOCAL), address: address)
        writer.put(UInt16(IFA_ADDRESS), address: peer ?? address)
        if let broadcast {
            writer.put(UInt16(IFA_BROADCAST), address: broadcast)
        }
        if let label {
            writer.put(UInt16(IFA_LABEL), string: label)
        }
        if flags.rawValue > 0xff {
            writer.putHost(UInt16(IFA_FLAGS), flags.rawValue)
        }
        if let metric {
            writer.putHost(UInt16(IFA_RT_PRIORITY), metric)
        }
        if let preferredSeconds {
            // struct ifa_cacheinfo: preferred, valid, created, updated.
            var lifetime = ByteWriter(reservingCapacity: 16)
            lifetime.writeHost(preferredSeconds)
            lifetime.writeHost(UInt32.max)
            lifetime.writeZeros(8)
            writer.put(UInt16(IFA_CACHEINFO), bytes: lifetime.bytes)
        }
        return writer.bytes
    }

    /// Address, prefix and interface for messages.
    var subject: String { "\(address)/\(prefixLength) on \(label ?? "interface \(interfaceIndex)")" }
}
