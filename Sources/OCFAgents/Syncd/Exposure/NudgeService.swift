// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit

/// The virtual service that takes the nudges: UDP between addresses of the loopback network, which the kernel accepts
/// from no other interface.
struct NudgeService: ~Copyable {
    /// The service; nothing else uses this address.
    static let key = VirtualServiceKey.address(.udp, IPAddress(ipv4: 0x7f56_0001), port: 9)

    private static let service = SocketAddress(IPAddress(ipv4: 0x7f56_0001), port: 9)
    private static let server = SocketAddress(IPAddress(ipv4: 0x7f56_0002), port: 9)
    private static let lowestPort = 20_000

    /// Where nudges come from: different on every director, so that their records do not meet.
    private let source: IPAddress
    /// How many source ports are used in turn.
    private let ports: Int
    /// The first of them: by chance, so that the kernel still knows few of those that a process before this one has used.
    private let firstPort: Int
    private var next = 0
    /// When each port was last used, by its place in the turn.
    private var used: [SuspendingClock.Instant?]
    /// Takes the packets, so that no ICMP error answers them; it is never read and drops what it has no room for.
    private let sink: OwnedDescriptor

    /// Opens the socket that takes the nudges.
    ///
    /// - Parameters:
    ///   - ports: How many source ports to use in turn, 40 000 at the most: a port makes a record again only after the refresh
    ///     period.
    ///   - seed: What makes the source address differ from those of other directors.
    /// - Throws: ``SystemError``.
    init(ports: Int, seed: UInt16) throws(SystemError) {
        self.ports = ports
        firstPort = Int.random(in: Self.lowestPort...max(Self.lowestPort, 0x1_0000 - ports))
        used = [SuspendingClock.Instant?](repeating: nil, count: ports)
        // 127.87.0.0/16.
        source = IPAddress(ipv4: 0x7f57_0000 | UInt32(seed))
        let descriptor = try Self.open(Self.server)
        var size: CInt = 1
        setsockopt(descriptor.raw, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        sink = descriptor
    }

    /// Makes sure that the service stands as it should.
    ///
    /// - Throws: ``IPVSError``.
    static func ensure(_ client: inout IPVSClient) throws(IPVSError) {
        if let found = try client.observed(key), found.destinations.count == 1 {
            return
        }
        try client.ensure(.addService(VirtualService(key, scheduler: "rr")))
        let destination = Destination(
            Destination.Key(Self.server.address, port: Self.server.port),
            forwarding: .masquerade,
            weight: 1
        )
        try client.ensure(.addDestination(destination, to: key))
    }

    /// Sends one packet from each of the next ports; a port that somebody else has is left out.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - timeout: After how long without a packet the kernel forgets a connection.
    /// - Returns: For how many of them the kernel may have made a new connection.
    mutating func nudge(_ count: Int, timeout: Duration) -> Int {
        var fresh = 0
        let now = SuspendingClock.now
        for _ in 0..<count {
            let turn = next
            next = (next + 1) % ports
            guard let socket = try? Self.open(SocketAddress(source, port: UInt16(firstPort + turn))) else {
                continue
            }
            let isKnown = used[turn].map { now - $0 < timeout } ?? false
            fresh += isKnown ? 0 : 1
            used[turn] = now
            var byte: UInt8 = 0
            Self.service.withSockaddr { address, length in
                _ = sendto(socket.raw, &byte, 1, CInt(MSG_DONTWAIT), address, length)
            }
        }
        return fresh
    }

    private static func open(_ address: SocketAddress) throws(SystemError) -> OwnedDescriptor {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = try systemCall("socket") { socket(AF_INET, kind, 0) }
        let descriptor = OwnedDescriptor(owning: number)
        try address.withSockaddr { (pointer, length) throws(SystemError) in
            _ = try systemCall("bind", "\(address)") { bind(number, pointer, length) }
        }
        return descriptor
    }
}
