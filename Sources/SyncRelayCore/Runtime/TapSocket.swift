// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// Sees what the local master daemon sends: a packet socket on its interface (packet(7)), because the kernel keeps its
/// multicast from every other socket of the host.
final class TapSocket {
    /// Headroom for bursts: at a low rate of reading 8 MiB are some 50 000 connections.
    private static let buffer: CInt = 8 << 20
    private static let packetLevel: CInt = 263
    private static let packetStatistics: CInt = 6

    private let descriptor: OwnedDescriptor
    private let group: IPAddress
    private let port: UInt16
    private var bytes = [UInt8](repeating: 0, count: 65536)

    /// How many frames the kernel had no room for.
    private(set) var drops: UInt64 = 0

    /// Opens the tap.
    ///
    /// - Parameters:
    ///   - name: The interface.
    ///   - group: The multicast group of the daemon.
    ///   - port: Its first port.
    /// - Throws: ``SystemError``; ENODEV without the interface, EPERM without CAP_NET_RAW.
    init(_ name: String, group: IPAddress, port: UInt16) throws(SystemError) {
        let index = if_nametoindex(name)
        guard index != 0 else {
            throw SystemError(operation: "find the interface", subject: name, code: ENODEV)
        }
        // Only a socket for all protocols is shown what the host itself sends.
        let all = UInt16(ETH_P_ALL).bigEndian
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let opened = OwnedDescriptor(
            owning: try systemCall("socket", "AF_PACKET") { socket(AF_PACKET, type, 0) }
        )
        let raw = opened.raw
        var size = Self.buffer
        // Without CAP_NET_ADMIN the ordinary bound has to do.
        if setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &size, socklen_t(MemoryLayout<CInt>.size)) != 0 {
            _ = setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = all
        address.sll_ifindex = Int32(index)
        try systemCall("bind", name) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(raw, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
        }
        descriptor = opened
        self.group = group
        self.port = port
    }

    /// The descriptor to wait for.
    var raw: CInt { descriptor.raw }

    /// Gives the payloads that have come, at most `limit`.
    ///
    /// - Throws: ``SystemError``; ENETDOWN when the interface is down or gone.
    func receive(limit: Int, _ body: ([UInt8]) -> Void) throws(SystemError) {
        try receiveAll(limit: limit) { payload, sender in
            if sender.isLocal {
                body(payload)
            }
        }
    }

    /// The same with what others sent.
    func receiveAll(limit: Int, _ body: ([UInt8], SyncObservation.Sender) -> Void) throws(SystemError) {
        for _ in 0..<limit {
            var source = sockaddr_ll()
            var length = socklen_t(MemoryLayout<sockaddr_ll>.size)
            let raw = descriptor.raw
            let count = withUnsafeMutablePointer(to: &source) { source in
                source.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(raw, &bytes, bytes.count, 0, $0, &length)
                }
            }
            guard count >= 0 else {
                if errno == EAGAIN {
                    return
                }
                if errno == EINTR {
                    continue
                }
                throw .last("recvfrom", "the master's interface")
            }
            let packet = bytes[..<count]
            if let payload = SyncPacket.payload(packet, group: group, ports: port),
                let address = SyncPacket.source(packet)
            {
                let isLocal = source.sll_pkttype == UInt8(PACKET_OUTGOING)
                body(Array(payload), SyncObservation.Sender(address, isLocal: isLocal))
            }
        }
    }

    /// Reads how many frames were dropped since the last call.
    func countDrops() {
        var numbers: [UInt32] = [0, 0]
        var length = socklen_t(8)
        if getsockopt(descriptor.raw, Self.packetLevel, Self.packetStatistics, &numbers, &length) == 0 {
            drops += UInt64(numbers[1])
        }
    }
}
