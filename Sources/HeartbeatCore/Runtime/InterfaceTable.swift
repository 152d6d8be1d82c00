// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import NeighborPackets

/// The interfaces of our network namespace with what the heartbeat needs of them, read by getifaddrs(3).
struct InterfaceTable: Sendable {
    struct Interface: Sendable {
        var index: UInt32 = 0
        var runs = false
        var receivedFrames: UInt32 = 0
        var addresses: Set<IPAddress> = []

        /// The interface as neighbours are asked on it; nil where there is no ARP.
        var device: AnnouncingDevice?
    }

    private(set) var interfaces: [String: Interface] = [:]

    // net/if.h has no IFF_LOWER_UP, the driver's own word about the carrier; linux/if.h does.
    private static let wanted = UInt32(IFF_UP) | UInt32(IFF_RUNNING) | 0x10000

    init() throws(SystemError) {
        var first: UnsafeMutablePointer<ifaddrs>?
        try systemCall("getifaddrs") { getifaddrs(&first) }
        defer { freeifaddrs(first) }
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            let name = String(cString: entry.ifa_name)
            var interface = interfaces[name] ?? Interface()
            interface.runs = entry.ifa_flags & Self.wanted == Self.wanted
            if let address = entry.ifa_addr {
                switch CInt(address.pointee.sa_family) {
                case AF_PACKET:
                    interface.index = address.withMemoryRebound(to: sockaddr_ll.self, capacity: 1) {
                        UInt32(bitPattern: $0.pointee.sll_ifindex)
                    }
                    // struct rtnl_link_stats (linux/if_link.h) begins with the number of received frames.
                    interface.receivedFrames = entry.ifa_data?.load(as: UInt32.self) ?? 0
                    interface.device = Self.device(entry, name, address)
                case AF_INET, AF_INET6:
                    var storage = sockaddr_storage()
                    let isIPv4 = CInt(address.pointee.sa_family) == AF_INET
                    let size = isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
                    withUnsafeMutableBytes(of: &storage) {
                        $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
                    }
                    if let socketAddress = SocketAddress(storage) {
                        interface.addresses.insert(socketAddress.address)
                    }
                default: break
                }
            }
            interfaces[name] = interface
        }
    }

    /// Interfaces of a hardware type whose neighbours are found by ARP or neighbour discovery.
    private static func device(
        _ entry: ifaddrs,
        _ name: String,
        _ address: UnsafeMutablePointer<sockaddr>
    ) -> AnnouncingDevice? {
        let own = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_ll.self)
        guard entry.ifa_flags & UInt32(IFF_NOARP) == 0,
            [ARPPacket.ethernet, ARPPacket.infiniband].contains(own.sll_hatype),
            let hardware = Self.hardware(of: address)
        else {
            return nil
        }
        return AnnouncingDevice(
            index: own.sll_ifindex,
            name: name,
            hardware: hardware,
            broadcast: entry.ifa_ifu.ifu_broadaddr.flatMap { Self.hardware(of: $0) },
            hardwareType: own.sll_hatype
        )
    }

    /// The address in a sockaddr_ll; getifaddrs(3) leaves room for InfiniBand's 20 bytes behind the 8 that are declared.
    private static func hardware(of address: UnsafeMutablePointer<sockaddr>) -> LinkLayerAddress? {
        let raw = UnsafeRawPointer(address)
        let length = Int(raw.loadUnaligned(as: sockaddr_ll.self).sll_halen)
        let start = MemoryLayout<sockaddr_ll>.offset(of: \.sll_addr) ?? 12
        return length <= 20 ? LinkLayerAddress(bytes: UnsafeRawBufferPointer(start: raw + start, count: length)) : nil
    }

    /// The interface that has an address.
    ///
    /// - Parameters:
    ///   - address: The address.
    ///   - name: The only interface that will do; nil for any.
    /// - Returns: The interface and its name; nil when none has it.
    func owner(of address: IPAddress, on name: String? = nil) -> (name: String, interface: Interface)? {
        if let name {
            return interfaces[name].flatMap { $0.addresses.contains(address) ? (name, $0) : nil }
        }
        return interfaces.first { $0.value.addresses.contains(address) }.map { ($0.key, $0.value) }
    }
}
