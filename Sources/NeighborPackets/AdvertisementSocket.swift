// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

/// A raw ICMPv6 socket that sends neighbour advertisements from one address on one device.
public struct AdvertisementSocket: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let interfaceIndex: UInt32

    /// Opens a socket and binds it to the address that is to be advertised.
    ///
    /// - Parameters:
    ///   - source: An IPv6 address of this host that is not tentative any more.
    ///   - interfaceIndex: The device.
    /// - Throws: ``SystemError``; `EADDRNOTAVAIL` when the address is not here (or still tentative).
    public init(source: IPAddress, interfaceIndex: UInt32) throws(SystemError) {
        let type = CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = OwnedDescriptor(
            owning: try systemCall("socket", "ICMPv6") { socket(AF_INET6, type, CInt(IPPROTO_ICMPV6)) }
        )
        let raw = descriptor.raw
        let length = socklen_t(MemoryLayout<CInt>.size)
        // Neighbours drop advertisements whose hop limit is not 255 (RFC 4861, 7.1.2).
        try systemCall("setsockopt", "IPV6_MULTICAST_HOPS") {
            setsockopt(raw, CInt(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, [CInt(255)], length)
        }
        try systemCall("setsockopt", "IPV6_MULTICAST_LOOP") {
            setsockopt(raw, CInt(IPPROTO_IPV6), IPV6_MULTICAST_LOOP, [CInt(0)], length)
        }
        try systemCall("setsockopt", "IPV6_MULTICAST_IF") {
            setsockopt(raw, CInt(IPPROTO_IPV6), IPV6_MULTICAST_IF, [CInt(interfaceIndex)], length)
        }
        let scope = source.isLinkLocal ? interfaceIndex : 0
        try SocketAddress(source, port: 0, scope: scope).withSockaddr { (address, size) throws(SystemError) in
            _ = try systemCall("bind", source.description) { bind(raw, address, size) }
        }
        self.descriptor = descriptor
        self.interfaceIndex = interfaceIndex
    }

    /// Sends an advertisement to all nodes on the link (ff02::1).
    public func send(_ advertisement: NeighborAdvertisement) throws(SystemError) {
        let raw = descriptor.raw
        let payload = advertisement.bytes
        let allNodes = IPAddress(bytes: [0xff, 0x02] + [UInt8](repeating: 0, count: 13) + [1]) ?? advertisement.target
        let destination = SocketAddress(allNodes, port: 0, scope: interfaceIndex)
        try destination.withSockaddr { (address, size) throws(SystemError) in
            _ = try systemCall("send", advertisement.target.description) {
                sendto(raw, payload, payload.count, 0, address, size)
            }
        }
    }
}
