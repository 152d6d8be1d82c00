// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// A virtual service as it is configured: its identity and how connections are spread (ipvsadm -A).
public struct VirtualService: Hashable, Sendable {
    /// Flags of a service besides persistence (`IP_VS_SVC_F_…`).
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The kernel's bits.
        public let rawValue: UInt32

        /// Wraps the kernel's bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Every datagram is scheduled by itself (UDP).
        public static let onePacket = Self(rawValue: 0x04)
        /// First flag of the scheduler; for `sh` and `mh` fall back to another server.
        public static let scheduler1 = Self(rawValue: 0x08)
        /// Second flag of the scheduler; for `sh` and `mh` hash the source port too.
        public static let scheduler2 = Self(rawValue: 0x10)
        /// Third flag of the scheduler.
        public static let scheduler3 = Self(rawValue: 0x20)
    }

    /// How long and for which clients the same real server is kept.
    public struct Persistence: Hashable, Sendable {
        /// Seconds after the last connection for which a client keeps its server.
        public var timeoutSeconds: UInt32

        /// Clients whose addresses agree in so many leading bits share a server; nil is the whole address.
        public var prefixLength: Int?

        /// An IPv4 mask with gaps, in host order: clients share a server whose addresses agree in its bits.
        public private(set) var gappedMask: UInt32?

        /// Describes persistence; the default groups no clients.
        public init(timeoutSeconds: UInt32, prefixLength: Int? = nil) {
            self.timeoutSeconds = timeoutSeconds
            self.prefixLength = prefixLength
        }

        /// Describes persistence of an IPv4 service by a mask in host order, which may have gaps (ipvsadm -M).
        public init(timeoutSeconds: UInt32, mask: UInt32) {
            let length = (~mask).leadingZeroBitCount
            self.init(timeoutSeconds: timeoutSeconds, prefixLength: length == 32 ? nil : length)
            if mask != Self.mask(length) {
                gappedMask = mask
            }
        }

        /// The mask of a prefix length.
        static func mask(_ prefixLength: Int) -> UInt32 {
            prefixLength <= 0 ? 0 : ~UInt32(0) << UInt32(max(0, 32 - prefixLength))
        }
    }

    /// The identity.
    public var key: VirtualServiceKey

    /// The scheduler's name, at most 15 bytes; "none" is no scheduler.
    public var scheduler: String

    /// Flags besides persistence.
    public var flags: Flags

    /// Persistence, or nil when each connection is scheduled by itself.
    public var persistence: Persistence?

    /// The persistence engine ("sip"), at most 15 bytes.
    public var persistenceEngine: String?

    /// Describes a service; the defaults are those of ipvsadm.
    public init(
        _ key: VirtualServiceKey,
        scheduler: String = "wlc",
        flags: Flags = [],
        persistence: Persistence? = nil,
        persistenceEngine: String? = nil
    ) {
        self.key = key
        self.scheduler = scheduler
        self.flags = flags
        self.persistence = persistence
        self.persistenceEngine = persistenceEngine
    }

    /// The prefix length that persistence uses, with the default filled in.
    var effectivePrefixLength: Int {
        persistence?.prefixLength ?? key.family.byteCount * 8
    }

    /// Whether both mean the same to the kernel (an absent prefix length is the whole address).
    func isEquivalent(to other: VirtualService) -> Bool {
        key == other.key && scheduler == other.scheduler && flags == other.flags
            && persistence?.timeoutSeconds == other.persistence?.timeoutSeconds
            && effectivePrefixLength == other.effectivePrefixLength
            && persistence?.gappedMask == other.persistence?.gappedMask
            && persistenceEngine == other.persistenceEngine
    }
}
