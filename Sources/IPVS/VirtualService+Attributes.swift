// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import LinuxKit
import Netlink

extension AttributeWriter {
    /// The address field of this family: always 16 bytes, an IPv4 address in the first 4.
    mutating func put(_ type: Int, paddedAddress address: IPAddress) {
        put(UInt16(type), bytes: address.bytes + [UInt8](repeating: 0, count: 16 - address.bytes.count))
    }

    /// The identity of a service, to be put into its nest.
    mutating func put(_ key: VirtualServiceKey) {
        putHost(UInt16(IPVS_SVC_ATTR_AF), UInt16(key.family.raw))
        switch key {
        case .address(let transport, let address, let port):
            putHost(UInt16(IPVS_SVC_ATTR_PROTOCOL), transport.rawValue)
            put(IPVS_SVC_ATTR_ADDR, paddedAddress: address)
            putBigEndian(UInt16(IPVS_SVC_ATTR_PORT), port)
        case .firewallMark(let mark, _):
            putHost(UInt16(IPVS_SVC_ATTR_FWMARK), mark)
        }
    }

    /// A full description of a service, to be put into its nest.
    mutating func put(_ service: VirtualService) {
        put(service.key)
        put(UInt16(IPVS_SVC_ATTR_SCHED_NAME), string: service.scheduler)
        if let engine = service.persistenceEngine {
            put(UInt16(IPVS_SVC_ATTR_PE_NAME), string: engine)
        }
        // struct ip_vs_flags: the bits, then which of them count; HASHED is the kernel's own.
        let flags = service.flags.rawValue | (service.persistence == nil ? 0 : UInt32(IP_VS_SVC_F_PERSISTENT))
        var bits = ByteWriter()
        bits.writeHost(flags)
        bits.writeHost(~UInt32(IP_VS_SVC_F_HASHED))
        put(UInt16(IPVS_SVC_ATTR_FLAGS), bytes: bits.bytes)
        putHost(UInt16(IPVS_SVC_ATTR_TIMEOUT), service.persistence?.timeoutSeconds ?? 0)
        let prefix = service.effectivePrefixLength
        switch service.key.family {
        case .ipv4:
            let mask = service.persistence?.gappedMask ?? VirtualService.Persistence.mask(prefix)
            putBigEndian(UInt16(IPVS_SVC_ATTR_NETMASK), mask)
        case .ipv6: putHost(UInt16(IPVS_SVC_ATTR_NETMASK), UInt32(clamping: prefix))
        }
    }
}

extension VirtualServiceKey {
    /// Reads the identity out of a service nest; nil when it is incomplete or of an unknown family.
    init?(_ nest: NetlinkAttributes) {
        let family: IPAddress.Family
        switch nest[UInt16(IPVS_SVC_ATTR_AF)]?.host(UInt16.self).map(CInt.init) {
        case AF_INET: family = .ipv4
        case AF_INET6: family = .ipv6
        default: return nil
        }
        if let mark = nest[UInt16(IPVS_SVC_ATTR_FWMARK)]?.host(UInt32.self), mark != 0 {
            self = .firewallMark(mark, family)
            return
        }
        guard
            let transport = nest[UInt16(IPVS_SVC_ATTR_PROTOCOL)]?.host(UInt16.self),
            let bytes = nest[UInt16(IPVS_SVC_ATTR_ADDR)]?.payload, bytes.count >= family.byteCount,
            let address = IPAddress(bytes: bytes.prefix(family.byteCount)),
            let port = nest[UInt16(IPVS_SVC_ATTR_PORT)]?.bigEndian(UInt16.self)
        else {
            return nil
        }
        self = .address(TransportProtocol(rawValue: transport), address, port: port)
    }
}

extension VirtualService {
    /// Reads a service nest; nil when the identity or the scheduler is missing.
    init?(_ nest: NetlinkAttributes) {
        guard let key = VirtualServiceKey(nest), let scheduler = nest[UInt16(IPVS_SVC_ATTR_SCHED_NAME)]?.string else {
            return nil
        }
        self.init(key, scheduler: scheduler)
        let bits = nest[UInt16(IPVS_SVC_ATTR_FLAGS)]?.host(UInt32.self) ?? 0
        let other = UInt32(IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_HASHED)
        flags = Flags(rawValue: bits & ~other)
        if bits & UInt32(IP_VS_SVC_F_PERSISTENT) != 0 {
            let timeout = nest[UInt16(IPVS_SVC_ATTR_TIMEOUT)]?.host(UInt32.self) ?? 0
            persistence = Self.persistence(timeout, nest[UInt16(IPVS_SVC_ATTR_NETMASK)], key.family)
        }
        if let engine = nest[UInt16(IPVS_SVC_ATTR_PE_NAME)]?.string, !engine.isEmpty {
            persistenceEngine = engine
        }
    }

    /// The mask of IPv4 comes in network order, the prefix length of IPv6 in host order; the whole address is nil.
    private static func persistence(
        _ timeout: UInt32,
        _ attribute: NetlinkAttribute?,
        _ family: IPAddress.Family
    ) -> Persistence {
        switch family {
        case .ipv4:
            return Persistence(timeoutSeconds: timeout, mask: attribute?.bigEndian(UInt32.self) ?? .max)
        case .ipv6:
            let length = attribute?.host(UInt32.self).map(Int.init)
            return Persistence(timeoutSeconds: timeout, prefixLength: length == 128 ? nil : length)
        }
    }
}
