// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
public import LinuxKit

/// Links, addresses and routes over a socket on ``NetlinkSocket/Bus/route``.
extension NetlinkSocket {
    /// RTEXT_FILTER_SKIP_STATS of linux/rtnetlink.h: counters are most of what an interface says.
    private static let skipsStatistics: UInt32 = 1 << 3

    /// All interfaces (`ip link show`), without their counters.
    public func links() throws(NetlinkError) -> [NetworkLink] {
        var writer = AttributeWriter(header: [UInt8](repeating: 0, count: 16))
        writer.putHost(UInt16(IFLA_EXT_MASK), Self.skipsStatistics)
        return try dump(
            NetlinkRequest(type: UInt16(RTM_GETLINK), payload: writer.bytes, operation: "list interfaces"),
            NetworkLink.init
        )
    }

    /// All addresses of a family (`ip -4 address show`); of both when nil.
    public func addresses(_ family: IPAddress.Family? = nil) throws(NetlinkError) -> [InterfaceAddress] {
        var header = [UInt8](repeating: 0, count: 8)
        header[0] = UInt8(family?.raw ?? 0)
        return try dump(
            NetlinkRequest(type: UInt16(RTM_GETADDR), payload: header, operation: "list addresses"),
            InterfaceAddress.init
        )
    }

    /// The routes of a family (`ip -4 route show table …`).
    ///
    /// - Parameters:
    ///   - family: The family.
    ///   - table: Below 256: the only table; nil is all.
    /// - Returns: The routes; none when there is no such table.
    /// - Throws: ``NetlinkError``.
    public func routes(_ family: IPAddress.Family, table: UInt32? = nil) throws(NetlinkError) -> [Route] {
        var header = [UInt8](repeating: 0, count: 12)
        header[0] = UInt8(family.raw)
        // Kernels before 4.20 do not filter.
        header[4] = UInt8(truncatingIfNeeded: table ?? 0)
        do {
            let request = NetlinkRequest(type: UInt16(RTM_GETROUTE), payload: header, operation: "list routes")
            return try dump(request) { message in
                Route(message).flatMap { table == nil || $0.table == table ? $0 : nil }
            }
        } catch  where error.code == ENOENT && table != nil {
            return []
        }
    }

    /// Adds an address (`ip address add`).
    ///
    /// - Throws: ``NetlinkError``, with `EEXIST` when the interface has the address with this prefix already.
    public func add(_ address: InterfaceAddress) throws(NetlinkError) {
        try request(Self.addition(of: address))
    }

    /// Replaces lifetime and flags of an address that is there (`ip address change`); it is never away meanwhile.
    public func replace(_ address: InterfaceAddress) throws(NetlinkError) {
        var request = Self.addition(of: address)
        request.flags = [.replace]
        request.operation = "change address"
        try self.request(request)
    }

    /// Removes an address (`ip address del`).
    ///
    /// - Throws: ``NetlinkError``, with `EADDRNOTAVAIL` when the interface does not have it.
    public func remove(_ address: InterfaceAddress) throws(NetlinkError) {
        try request(Self.removal(of: address))
    }

    /// The request that adds an address, for ``batch(_:inFlight:)``.
    public static func addition(of address: InterfaceAddress) -> NetlinkRequest {
        NetlinkRequest(
            type: UInt16(RTM_NEWADDR),
            flags: [.create, .exclusive],
            payload: address.payload,
            operation: "add address",
            subject: address.subject
        )
    }

    /// The request that removes an address, for ``batch(_:inFlight:)``.
    public static func removal(of address: InterfaceAddress) -> NetlinkRequest {
        // Broadcast, lifetime and flags identify nothing; a label would have to match as well.
        let identity = InterfaceAddress(
            interfaceIndex: address.interfaceIndex,
            address: address.address,
            prefixLength: address.prefixLength,
            peer: address.peer
        )
        return NetlinkRequest(
            type: UInt16(RTM_DELADDR),
            payload: identity.payload,
            operation: "remove address",
            subject: address.subject
        )
    }

    /// Sets an interface administratively up (`ip link set dev … up`).
    public func setUp(interfaceIndex: Int32) throws(NetlinkError) {
        var header = ByteWriter(reservingCapacity: 16)
        header.writeZeros(4)
        header.writeHost(interfaceIndex)
        // Only IFF_UP is changed.
        header.writeHost(UInt32(1))
        header.writeHost(UInt32(1))
        try request(
            NetlinkRequest(
                type: UInt16(RTM_NEWLINK),
                payload: header.bytes,
                operation: "set interface up",
                subject: "\(interfaceIndex)"
            )
        )
    }
}
