// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import LinuxKit
import Netlink

extension AttributeWriter {
    /// The identity of a real server, to be put into its nest.
    mutating func put(_ key: Destination.Key) {
        put(IPVS_DEST_ATTR_ADDR, paddedAddress: key.address)
        putBigEndian(UInt16(IPVS_DEST_ATTR_PORT), key.port)
        putHost(UInt16(IPVS_DEST_ATTR_ADDR_FAMILY), UInt16(key.address.family.raw))
    }

    /// A full description of a real server, to be put into its nest.
    mutating func put(_ destination: Destination) {
        put(destination.key)
        putHost(UInt16(IPVS_DEST_ATTR_FWD_METHOD), destination.forwarding.rawValue)
        putHost(UInt16(IPVS_DEST_ATTR_WEIGHT), Int32(clamping: destination.weight))
        putHost(UInt16(IPVS_DEST_ATTR_U_THRESH), destination.upperThreshold)
        putHost(UInt16(IPVS_DEST_ATTR_L_THRESH), destination.lowerThreshold)
        guard destination.forwarding == .tunnel else {
            return
        }
        switch destination.encapsulation {
        case .ipip:
            putHost(UInt16(IPVS_DEST_ATTR_TUN_TYPE), UInt8(IP_VS_CONN_F_TUNNEL_TYPE_IPIP))
        case .gue(let port, let flags):
            putHost(UInt16(IPVS_DEST_ATTR_TUN_TYPE), UInt8(IP_VS_CONN_F_TUNNEL_TYPE_GUE))
            putBigEndian(UInt16(IPVS_DEST_ATTR_TUN_PORT), port)
            putHost(UInt16(IPVS_DEST_ATTR_TUN_FLAGS), flags)
        case .gre(let flags):
            putHost(UInt16(IPVS_DEST_ATTR_TUN_TYPE), UInt8(IP_VS_CONN_F_TUNNEL_TYPE_GRE))
            putHost(UInt16(IPVS_DEST_ATTR_TUN_FLAGS), flags)
        }
    }
}

extension ObservedDestination {
    /// Reads a real server's nest; nil when the identity or the weight is missing.
    ///
    /// - Parameters:
    ///   - nest: The attributes.
    ///   - family: The service's family, which kernels before 3.18 leave out.
    ///   - counters: Whether to read traffic counters, which are half of the work.
    init?(_ nest: NetlinkAttributes, serviceFamily family: IPAddress.Family, counters: Bool = true) {
        let ownFamily: IPAddress.Family
        switch nest[UInt16(IPVS_DEST_ATTR_ADDR_FAMILY)]?.host(UInt16.self).map(CInt.init) {
        case AF_INET: ownFamily = .ipv4
        case AF_INET6: ownFamily = .ipv6
        case nil, AF_UNSPEC: ownFamily = family
        default: return nil
        }
        func number(_ type: Int) -> UInt32 { nest[UInt16(type)]?.host(UInt32.self) ?? 0 }
        guard
            let bytes = nest[UInt16(IPVS_DEST_ATTR_ADDR)]?.payload, bytes.count >= ownFamily.byteCount,
            let address = IPAddress(bytes: bytes.prefix(ownFamily.byteCount)),
            let port = nest[UInt16(IPVS_DEST_ATTR_PORT)]?.bigEndian(UInt16.self),
            let weight = nest[UInt16(IPVS_DEST_ATTR_WEIGHT)]?.host(Int32.self),
            // The three low bits are the method; its five values are all that the kernel has.
            let forwarding = Destination.ForwardingMethod(rawValue: number(IPVS_DEST_ATTR_FWD_METHOD) & 7)
        else {
            return nil
        }
        self.init(
            Destination(
                Destination.Key(address, port: port),
                forwarding: forwarding,
                weight: Int(weight),
                upperThreshold: number(IPVS_DEST_ATTR_U_THRESH),
                lowerThreshold: number(IPVS_DEST_ATTR_L_THRESH),
                encapsulation: forwarding == .tunnel ? Self.encapsulation(nest) : .ipip
            ),
            activeConnections: number(IPVS_DEST_ATTR_ACTIVE_CONNS),
            inactiveConnections: number(IPVS_DEST_ATTR_INACT_CONNS),
            persistentConnections: number(IPVS_DEST_ATTR_PERSIST_CONNS),
            statistics: counters
                ? TrafficStatistics(
                    current: nest[UInt16(IPVS_DEST_ATTR_STATS64)],
                    legacy: nest[UInt16(IPVS_DEST_ATTR_STATS)]
                ) : TrafficStatistics()
        )
    }

    private static func encapsulation(_ nest: NetlinkAttributes) -> Destination.Encapsulation {
        let flags = nest[UInt16(IPVS_DEST_ATTR_TUN_FLAGS)]?.host(UInt16.self) ?? 0
        switch nest[UInt16(IPVS_DEST_ATTR_TUN_TYPE)]?.host(UInt8.self).map(Int.init) {
        case Int(IP_VS_CONN_F_TUNNEL_TYPE_GUE):
            return .gue(port: nest[UInt16(IPVS_DEST_ATTR_TUN_PORT)]?.bigEndian(UInt16.self) ?? 0, flags: flags)
        case Int(IP_VS_CONN_F_TUNNEL_TYPE_GRE):
            return .gre(flags: flags)
        default:
            return .ipip
        }
    }
}

extension TrafficStatistics {
    /// Reads the 64-bit nest, or the older one whose packet counters wrap at 32 bits; zeros when there is none.
    init(current: NetlinkAttribute?, legacy: NetlinkAttribute?) {
        self.init()
        guard let nest = (current ?? legacy)?.nested else {
            return
        }
        func number(_ type: Int) -> UInt64 {
            let attribute = nest[UInt16(type)]
            return attribute?.host(UInt64.self) ?? attribute?.host(UInt32.self).map(UInt64.init) ?? 0
        }
        connections = number(IPVS_STATS_ATTR_CONNS)
        inPackets = number(IPVS_STATS_ATTR_INPKTS)
        outPackets = number(IPVS_STATS_ATTR_OUTPKTS)
        inBytes = number(IPVS_STATS_ATTR_INBYTES)
        outBytes = number(IPVS_STATS_ATTR_OUTBYTES)
        connectionsPerSecond = number(IPVS_STATS_ATTR_CPS)
        inPacketsPerSecond = number(IPVS_STATS_ATTR_INPPS)
        outPacketsPerSecond = number(IPVS_STATS_ATTR_OUTPPS)
        inBytesPerSecond = number(IPVS_STATS_ATTR_INBPS)
        outBytesPerSecond = number(IPVS_STATS_ATTR_OUTBPS)
    }
}
