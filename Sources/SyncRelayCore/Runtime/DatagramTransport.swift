// SPDX-License-Identifier: Apache-2.0
import Glibc
import HeartbeatCore
import LinuxKit

/// Carries envelopes in UDP datagrams between the directors' Corosync addresses, over every link at once: the first copy
/// counts.
///
/// Each one ends with 16 bytes of HMAC-SHA-256 under a key derived from the cluster's.
///
/// It is not encrypted: who can read the links sees which addresses are connected.
final class DatagramTransport {
    /// What fits into a frame of 1500 bytes with the headers of IPv6 and the authentication.
    static let envelopeLength = 1500 - 48 - ProbeKey.tagLength
    static let byteRate = 100_000_000.0
    static let envelopeRate = 80_000.0

    private static let purpose = "vervet syncrelay"
    private static let keyFiles = ["/etc/vervet/authkey", "/etc/corosync/authkey"]
    private static let buffer: CInt = 4 << 20
    private static let burst = 256

    private struct Link {
        let socket: OwnedDescriptorBox
        var peers: [SocketAddress]
    }

    /// The addresses that it works with.
    let topology: RelayTopology

    /// What does not work, in a line each.
    private(set) var problems: [String] = []

    /// Datagrams that were not authentic.
    private(set) var refused: UInt64 = 0

    private let key: ProbeKey
    private let loop: EventLoop
    private let received: (UInt32, [UInt8]) -> Void
    private let done: () -> Void
    private var links: [Link] = []
    private var nodes: [IPAddress: UInt32] = [:]
    private var bytes = [UInt8](repeating: 0, count: 65536)

    /// Reads the key.
    ///
    /// - Throws: ``SystemError`` when there is none.
    static func key(_ path: String?) throws(SystemError) -> ProbeKey {
        for candidate in path.map({ [$0] }) ?? keyFiles {
            do throws(SystemError) {
                let file = try OwnedDescriptor(opening: candidate, flags: O_RDONLY)
                var secret = [UInt8](repeating: 0, count: 4096)
                let count = try systemCall("read", candidate) { read(file.raw, &secret, secret.count) }
                guard count >= 16 else {
                    throw SystemError(operation: "use as a key of at least 16 bytes", subject: candidate, code: EINVAL)
                }
                return ProbeKey(secret: secret.prefix(count), purpose: purpose)
            } catch  where error.code == ENOENT && path == nil {
                continue
            }
        }
        throw SystemError(operation: "find a key", subject: keyFiles.joined(separator: " or "), code: ENOENT)
    }

    /// Opens a socket on each of our own addresses.
    init(
        _ topology: RelayTopology,
        key: ProbeKey,
        port: UInt16,
        loop: EventLoop,
        received: @escaping (UInt32, [UInt8]) -> Void,
        done: @escaping () -> Void
    ) {
        self.topology = topology
        self.key = key
        self.loop = loop
        self.received = received
        self.done = done
        for (node, addresses) in topology.addresses where node != topology.local {
            for address in addresses.values {
                nodes[address] = node
            }
        }
        let own = topology.addresses[topology.local] ?? [:]
        for (number, address) in own.sorted(by: { $0.key < $1.key }) {
            let peers = topology.addresses.filter { $0.key != topology.local }.compactMap { $0.value[number] }
            do throws(SystemError) {
                try open(address, port, peers.map { SocketAddress($0, port: port) })
            } catch {
                problems.append("link \(number): \(error)")
            }
        }
        if own.isEmpty {
            problems.append("corosync's node list has names instead of addresses: transport udp needs addresses")
        }
    }

    /// Sends an envelope to all other directors over all links.
    func send(_ envelope: [UInt8]) {
        let datagram = envelope + key.tag(envelope)
        for link in links {
            for peer in link.peers {
                // A dead link refuses or swallows it; the other one is there for that.
                _ = peer.withSockaddr { address, length in
                    sendto(link.socket.raw, datagram, datagram.count, CInt(MSG_NOSIGNAL), address, length)
                }
            }
        }
    }

    /// Closes the sockets.
    func close() {
        for link in links {
            loop.unwatch(link.socket.raw)
        }
        links = []
    }

    private func open(_ address: IPAddress, _ port: UInt16, _ peers: [SocketAddress]) throws(SystemError) {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let own = SocketAddress(address, port: port)
        let socket = OwnedDescriptorBox(
            OwnedDescriptor(owning: try systemCall("socket") { Glibc.socket(address.family.raw, kind, 0) })
        )
        var size = Self.buffer
        for option in [SO_RCVBUFFORCE, SO_SNDBUFFORCE] {
            // Without CAP_NET_ADMIN the usual size has to do.
            _ = setsockopt(socket.raw, SOL_SOCKET, option, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        _ = try own.withSockaddr { (pointer, length) throws(SystemError) in
            try systemCall("bind", "\(own)") { bind(socket.raw, pointer, length) }
        }
        try loop.watch(socket.raw, for: .readable) { [unowned self] _ in receive(socket.raw) }
        links.append(Link(socket: socket, peers: peers))
    }

    private func receive(_ raw: CInt) {
        for _ in 0..<Self.burst {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(raw, &bytes, bytes.count, 0, $0, &length)
                }
            }
            guard count >= 0 else {
                // An error here may be that of an earlier send (ECONNREFUSED): the next one is looked at.
                if errno == EAGAIN {
                    break
                }
                continue
            }
            let split = count - ProbeKey.tagLength
            guard split > 0, let source = SocketAddress(storage), let node = nodes[source.address] else {
                refused += 1
                continue
            }
            let envelope = Array(bytes[..<split])
            guard key.authenticates(envelope, tag: bytes[split..<count]) else {
                refused += 1
                continue
            }
            received(node, envelope)
        }
        done()
    }
}

/// A descriptor that several places refer to; it is closed when the last one forgets it.
final class OwnedDescriptorBox {
    private let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    var raw: CInt { descriptor.raw }
}
