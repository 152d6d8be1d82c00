// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

/// A raw ICMPv6 socket that sends neighbour advertisements on one device, each from the address that it advertises.
public struct AdvertisementSocket: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let interfaceIndex: UInt32

    /// Opens a socket.
    ///
    /// - Parameter interfaceIndex: The device.
    /// - Throws: ``SystemError``; `EPERM` without CAP_NET_RAW.
    public init(interfaceIndex: UInt32) throws(SystemError) {
        let type = CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = OwnedDescriptor(
            owning: try systemCall("socket", "ICMPv6") { socket(AF_INET6, type, CInt(IPPROTO_ICMPV6)) }
        )
        let raw = descriptor.raw
        // Neighbours drop advertisements whose hop limit is not 255 (RFC 4861, 7.1.2).
        for (option, value) in [(IPV6_MULTICAST_HOPS, CInt(255)), (IPV6_MULTICAST_LOOP, 0)] {
            try systemCall("setsockopt", "ICMPv6") {
                setsockopt(raw, CInt(IPPROTO_IPV6), option, [value], socklen_t(MemoryLayout<CInt>.size))
            }
        }
        // Nothing is received here.
        try systemCall("setsockopt", "ICMPv6") {
            let filter = [UInt32](repeating: .max, count: 8)
            return setsockopt(raw, CInt(IPPROTO_ICMPV6), ICMP6_FILTER, filter, socklen_t(MemoryLayout<UInt32>.size * 8))
        }
        self.descriptor = descriptor
        self.interfaceIndex = interfaceIndex
    }

    /// The descriptor, to hand it on to another process.
    var raw: CInt { descriptor.raw }

    /// Sends advertisements to all nodes on the link (ff02::1), many with each system call.
    ///
    /// - Parameter advertisements: All of hardware addresses of one length.
    /// - Throws: ``SystemError`` of the first that could not be sent, `EINVAL` when its address is not on the device or
    ///   still tentative; those behind it are sent.
    public func send(_ advertisements: [NeighborAdvertisement]) throws(SystemError) {
        let packets = advertisements.map(\.bytes)
        guard let length = packets.first?.count, packets.allSatisfy({ $0.count == length }) else {
            return
        }
        let bytes = packets.flatMap(\.self)
        let sources = advertisements.flatMap(\.target.bytes)
        let subject = advertisements.count == 1 ? "\(advertisements[0].target)" : "neighbour advertisements"
        try sendSlices(of: packets.count, subject) { first, count in
            bytes.withUnsafeBytes { bytes in
                sources.withUnsafeBytes {
                    vervet_send_advertisements(
                        raw,
                        bytes.baseAddress?.advanced(by: first * length),
                        length,
                        $0.baseAddress?.advanced(by: first * 16),
                        count,
                        interfaceIndex
                    )
                }
            }
        }
    }
}
