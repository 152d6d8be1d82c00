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

    /// Takes over a socket that another process opened and bound to the device; nil when it is none.
    ///
    /// - Parameters:
    ///   - raw: The descriptor, which is closed with this value.
    ///   - interfaceIndex: The device.
    ///   - name: Its name, for errors.
    public init?(adopting raw: CInt, interfaceIndex: Int32, name: String) {
        guard Self.isPacketSocket(raw) else {
            return nil
        }
        descriptor = OwnedDescriptor(owning: raw)
        self.interfaceIndex = interfaceIndex
        self.name = name
    }

    /// Whether a descriptor is a packet socket.
    public static func isPacketSocket(_ raw: CInt) -> Bool {
        var domain: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(raw, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_PACKET
    }

    /// The descriptor, to hand it on to a process that is started.
    public var raw: CInt { descriptor.raw }

    /// Sends a payload to a hardware address; waits a little when the device's queue is full.
    ///
    /// - Parameters:
    ///   - payload: What follows the link-layer header.
    ///   - etherType: The protocol of the frame.
    ///   - destination: The hardware address, of up to 20 bytes.
    /// - Throws: ``SystemError``; `ENETDOWN` when the device is down.
    public func send(_ payload: [UInt8], etherType: UInt16, to destination: LinkLayerAddress) throws(SystemError) {
        var (storage, length) = target(etherType: etherType, destination)
        let raw = descriptor.raw
        var attempts = 0
        while true {
            do {
                try systemCall("send", name) {
                    withUnsafePointer(to: &storage) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            sendto(raw, payload, payload.count, 0, $0, length)
                        }
                    }
                }
                return
            } catch {
                attempts += 1
                guard [EAGAIN, ENOBUFS].contains(error.code), attempts < 50 else {
                    throw error
                }
                usleep(2000)
            }
        }
    }

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
