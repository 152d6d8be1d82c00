// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

/// A packet socket on one device (packet(7), SOCK_DGRAM): the kernel builds the link-layer header.
public struct PacketSocket: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let interfaceIndex: Int32
    let name: String

    /// Opens a socket on a device.
    ///
    /// - Parameters:
    ///   - interfaceIndex: The device.
    ///   - name: Its name, for errors.
    ///   - receiving: The protocol to receive; nil receives nothing, which spares the copies.
    /// - Throws: ``SystemError``; `EPERM` without CAP_NET_RAW.
    public init(interfaceIndex: Int32, name: String, receiving: UInt16? = nil) throws(SystemError) {
        let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = OwnedDescriptor(
            owning: try systemCall("socket", "AF_PACKET") {
                socket(AF_PACKET, type, CInt((receiving ?? 0).bigEndian))
            }
        )
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = (receiving ?? 0).bigEndian
        address.sll_ifindex = interfaceIndex
        let raw = descriptor.raw
        try systemCall("bind", name) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(raw, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
        }
        self.descriptor = descriptor
        self.interfaceIndex = interfaceIndex
        self.name = name
    }

    /// The descriptor, to hand it on to a process that is started.
    public var raw: CInt { descriptor.raw }

    /// The socket address for frames of a protocol to a hardware address, and its length.
    func target(etherType: UInt16, _ destination: LinkLayerAddress) -> (storage: sockaddr_storage, length: socklen_t) {
        // sockaddr_ll declares 8 bytes for the address; InfiniBand's 20 need the room behind it (packet(7)).
        var storage = sockaddr_storage()
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = etherType.bigEndian
        address.sll_ifindex = interfaceIndex
        address.sll_halen = UInt8(destination.bytes.count)
        let offset = MemoryLayout<sockaddr_ll>.offset(of: \.sll_addr) ?? 12
        let length = max(MemoryLayout<sockaddr_ll>.size, offset + destination.bytes.count)
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.storeBytes(of: address, as: sockaddr_ll.self)
            for (index, byte) in destination.bytes.enumerated() {
                bytes[offset + index] = byte
            }
        }
        return (storage, socklen_t(length))
    }

    /// Takes no other packets any more than ARP replies sent to us alone, by which somebody says to have an address.
    ///
    /// - Parameters:
    ///   - address: Who was asked for, IPv4.
    ///   - asker: The address with which it was asked, IPv4.
    /// - Throws: ``SystemError``.
    public func acceptOnlyReplies(of address: IPAddress, to asker: IPAddress) throws(SystemError) {
        let (raw, sender, target) = (descriptor.raw, address.bytes, asker.bytes)
        guard sender.count == 4, target.count == 4 else {
            throw SystemError(operation: "setsockopt", subject: "SO_ATTACH_FILTER", code: EAFNOSUPPORT)
        }
        try systemCall("setsockopt", "SO_ATTACH_FILTER") { vervet_accept_arp_replies(raw, sender, target) }
    }

    /// Sends one frame without ever waiting.
    ///
    /// - Parameters:
    ///   - payload: What follows the link-layer header.
    ///   - etherType: Its protocol.
    ///   - destination: The hardware address.
    /// - Returns: Whether the kernel took it; it refuses on a device that is down or whose queue is full.
    @discardableResult
    public func trySend(_ payload: [UInt8], etherType: UInt16, to destination: LinkLayerAddress) -> Bool {
        let (storage, size) = target(etherType: etherType, destination)
        let raw = descriptor.raw
        return withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(raw, payload, payload.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL), $0, size)
            }
        } == payload.count
    }

    /// Receives one payload.
    ///
    /// - Parameter deadline: When to give up.
    /// - Returns: What follows the link-layer header; nil when nothing came in time.
    /// - Throws: ``SystemError``.
    public func receive(until deadline: Deadline) throws(SystemError) -> [UInt8]? {
        var poller = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        guard try systemCall("poll", name, { poll(&poller, 1, deadline.pollMilliseconds) }) > 0 else {
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 2048)
        let raw = descriptor.raw
        let count = try systemCall("recv", name) { recv(raw, &buffer, buffer.count, 0) }
        return Array(buffer.prefix(count))
    }
}
