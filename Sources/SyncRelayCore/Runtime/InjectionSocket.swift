// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// Gives datagrams to the local backup daemon: multicast that leaves the host nowhere, because its loop copy is what the
/// kernel's receiver on that interface gets.
final class InjectionSocket {
    /// The kernel's thread takes 100 000 records a second and more.
    private static let rate = 3000.0
    private static let burst = 64.0
    /// Its receive buffer holds some 90 full datagrams, and on a busy director the thread waits for its turn: after some of them
    /// it is looked whether it comes along, and it is given no more as long as a third of the buffer is full.
    private static let unseen = 24
    private static let mostQueued: UInt64 = 65536
    private static let patience = Duration.milliseconds(5)
    /// What waits beyond this is dropped, oldest first.
    private static let queueLimit = 8192

    private let descriptor: OwnedDescriptor
    private let target: SocketAddress
    private let group: IPAddress
    private let port: UInt16
    private var bucket = TokenBucket(rate: rate, size: burst)
    private var queue: [[UInt8]] = []
    private var start = 0
    private var sentUnseen = 0

    /// Datagrams that had no room in the queue.
    private(set) var drops: UInt64 = 0
    /// Datagrams that the kernel refused.
    private(set) var failures: UInt64 = 0

    /// Opens the socket.
    ///
    /// - Parameters:
    ///   - name: The interface of the backup daemon.
    ///   - group: Its multicast group.
    ///   - port: Its port.
    /// - Throws: ``SystemError``; ENODEV without the interface.
    init(_ name: String, group: IPAddress, port: UInt16) throws(SystemError) {
        let index = if_nametoindex(name)
        guard index != 0 else {
            throw SystemError(operation: "find the interface", subject: name, code: ENODEV)
        }
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let opened = OwnedDescriptor(owning: try systemCall("socket") { socket(group.family.raw, type, 0) })
        let raw = opened.raw
        let set = { (level: CInt, option: CInt, value: CInt) throws(SystemError) in
            var value = value
            try systemCall("setsockopt", name) {
                setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
            }
        }
        switch group.family {
        case .ipv4:
            var request = ip_mreqn()
            request.imr_ifindex = CInt(index)
            try systemCall("setsockopt", name) {
                setsockopt(
                    raw,
                    CInt(IPPROTO_IP),
                    IP_MULTICAST_IF,
                    &request,
                    socklen_t(MemoryLayout<ip_mreqn>.size)
                )
            }
            try set(CInt(IPPROTO_IP), IP_MULTICAST_LOOP, 1)
            try set(CInt(IPPROTO_IP), IP_MULTICAST_TTL, 0)
        case .ipv6:
            try set(CInt(IPPROTO_IPV6), IPV6_MULTICAST_IF, CInt(index))
            try set(CInt(IPPROTO_IPV6), IPV6_MULTICAST_LOOP, 1)
            try set(CInt(IPPROTO_IPV6), IPV6_MULTICAST_HOPS, 0)
        }
        descriptor = opened
        self.group = group
        self.port = port
        target = SocketAddress(group, port: port, scope: group.family == .ipv6 ? index : 0)
    }

    /// Queues a datagram; ``pump(at:)`` sends it.
    func add(_ datagram: [UInt8]) {
        if queue.count - start >= Self.queueLimit {
            start += 1
            drops += 1
            if start >= Self.queueLimit {
                queue.removeFirst(start)
                start = 0
            }
        }
        queue.append(datagram)
    }

    /// Sends what may be sent now.
    ///
    /// - Returns: When to call again; nil when nothing waits.
    func pump(at now: SuspendingClock.Instant) -> Duration? {
        var isCongested = false
        while start < queue.count {
            if sentUnseen >= Self.unseen {
                isCongested = (KernelReceiver.read(group, port: port)?.queued ?? 0) > Self.mostQueued
                if isCongested {
                    break
                }
                sentUnseen = 0
            }
            guard bucket.take(1, at: now) else {
                break
            }
            let datagram = queue[start]
            start += 1
            sentUnseen += 1
            let sent = target.withSockaddr { address, length in
                sendto(descriptor.raw, datagram, datagram.count, 0, address, length)
            }
            failures += sent == datagram.count ? 0 : 1
        }
        if start == queue.count {
            queue.removeAll(keepingCapacity: true)
            start = 0
            return nil
        }
        if start > 1024 {
            queue.removeFirst(start)
            start = 0
        }
        return isCongested ? Self.patience : bucket.wait(at: now)
    }
}
