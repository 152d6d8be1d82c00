// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// A non-blocking socket that sends and receives on one interface only.
///
/// Without being bound to the interface a host answers over another link for the address of a dead one, which would
/// hide the very fault that is looked for.
struct LinkSocket: ~Copyable {
    private let socket: OwnedDescriptor

    /// The index of the interface; another index under the same name is another interface.
    let interfaceIndex: UInt32

    /// Where probes of a link go out, with that time to live, and come in.
    init(probesFrom address: SocketAddress, interface: String, index: UInt32, ttl: UInt8) throws(SystemError) {
        let socket = try Self.open(address, SOCK_DGRAM, 0, interface)
        let raw = socket.raw
        let isIPv4 = address.address.family == .ipv4
        var hops = CInt(ttl)
        var on: CInt = 1
        var class6: CInt = 0xc0
        var priority: CInt = 6
        let level = CInt(isIPv4 ? IPPROTO_IP : IPPROTO_IPV6)
        let size = socklen_t(MemoryLayout<CInt>.size)
        try systemCall("setsockopt TTL", interface) {
            setsockopt(raw, level, isIPv4 ? IP_TTL : IPV6_UNICAST_HOPS, &hops, size)
        }
        try systemCall("setsockopt RECVTTL", interface) {
            setsockopt(raw, level, isIPv4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on, size)
        }
        // Only figures are made of it: probes do without.
        _ = setsockopt(raw, SOL_SOCKET, SO_TIMESTAMPNS, &on, size)
        // Marks only help where the network looks at them; without them probes work as well.
        _ = setsockopt(raw, level, isIPv4 ? IP_TOS : IPV6_TCLASS, &class6, size)
        _ = setsockopt(raw, SOL_SOCKET, SO_PRIORITY, &priority, size)
        try Self.bind(raw, address)
        self.init(socket, index)
    }

    /// Where ICMP echo requests of a link go out and replies come in (raw(7), needs CAP_NET_RAW); IPv6: neighbour
    /// solicitations and advertisements too.
    init(pingsFrom address: IPAddress, interface: String, index: UInt32) throws(SystemError) {
        let bound = SocketAddress(address, port: 0, scope: address.isLinkLocal ? index : 0)
        let isIPv4 = address.family == .ipv4
        let socket = try Self.open(bound, SOCK_RAW, CInt(isIPv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6), interface)
        // raw(7), icmp6(7): the mask has a bit for each type that is not wanted; only echo replies (0, 129)
        // and neighbour advertisements (136) are.
        var filter = [UInt32](repeating: .max, count: isIPv4 ? 1 : 8)
        filter[isIPv4 ? 0 : 4] = ~(isIPv4 ? UInt32(1) : 1 << 1 | 1 << 8)
        let raw = socket.raw
        try systemCall("setsockopt ICMP_FILTER", interface) {
            setsockopt(
                raw,
                CInt(isIPv4 ? IPPROTO_RAW : IPPROTO_ICMPV6),
                1,
                &filter,
                socklen_t(filter.count * MemoryLayout<UInt32>.size)
            )
        }
        // Only figures are made of it: pings do without.
        _ = setsockopt(raw, SOL_SOCKET, SO_TIMESTAMPNS, [CInt(1)], socklen_t(MemoryLayout<CInt>.size))
        if !isIPv4 {
            // RFC 4861, 7.1: what has another hop limit than 255 has come through a router. And what is sent to all nodes
            // is no answer to us (IPV6_MULTICAST_ALL, in6.h; an older kernel lets it in, where it is seen for what it is).
            let values = [(IPV6_UNICAST_HOPS, CInt(255)), (IPV6_MULTICAST_HOPS, 255), (IPV6_RECVHOPLIMIT, 1), (29, 0)]
            for (option, value) in values {
                _ = setsockopt(raw, CInt(IPPROTO_IPV6), option, [value], socklen_t(MemoryLayout<CInt>.size))
            }
        }
        try Self.bind(raw, bound)
        self.init(socket, index)
    }

    private init(_ socket: consuming OwnedDescriptor, _ index: UInt32) {
        self.socket = socket
        interfaceIndex = index
    }

    var descriptor: CInt { socket.raw }

    /// Sends; false when the kernel refuses, which is the normal state of a dead link.
    ///
    /// - Parameters:
    ///   - bytes: What is sent.
    ///   - target: Whom to.
    ///   - confirms: Whether an answer has just proven the way there. Without that word the kernel asks for the
    ///     neighbour's address by ARP every half minute, and where three of these are lost it drops what we send for a
    ///     second, which looks like a cut (sendto(2) MSG_CONFIRM, arp(7)).
    /// - Returns: Whether it was taken.
    @discardableResult
    func send(_ bytes: [UInt8], to target: SocketAddress, confirms: Bool) -> Bool {
        let raw = socket.raw
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT) | (confirms ? CInt(MSG_CONFIRM) : 0)
        return target.withSockaddr { address, length in
            sendto(raw, bytes, bytes.count, flags, address, length)
        } == bytes.count
    }

    /// Takes what has come, at most as much as fits into the batch.
    ///
    /// - Returns: How many datagrams it has now.
    func receive(into batch: DatagramBatch) -> Int {
        batch.fillWhatComes(from: socket.raw)
    }

    private static func open(
        _ address: SocketAddress,
        _ type: __socket_type,
        _ protocolNumber: CInt,
        _ interface: String
    ) throws(SystemError) -> OwnedDescriptor {
        let flags = CInt(type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = OwnedDescriptor(
            owning: try systemCall("socket", interface) {
                Glibc.socket(address.address.family.raw, flags, protocolNumber)
            }
        )
        let raw = socket.raw
        try systemCall("setsockopt SO_BINDTODEVICE", interface) {
            setsockopt(raw, SOL_SOCKET, SO_BINDTODEVICE, interface, socklen_t(interface.utf8.count))
        }
        return socket
    }

    private static func bind(_ raw: CInt, _ address: SocketAddress) throws(SystemError) {
        try systemCall("bind", address.description) {
            address.withSockaddr { Glibc.bind(raw, $0, $1) }
        }
    }
}
