// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// A datagram of a link's socket.
struct LinkDatagram {
    let source: SocketAddress
    let bytes: [UInt8]

    /// The time to live (IPv6: hop limit) with which it arrived; nil on IPv4 sockets for pings.
    let ttl: UInt8?

    /// How long it has waited for us, by the wall clock: for figures, never for deadlines.
    let waited: Duration
}

/// Room for the datagrams that are taken with one call; the network thread has one for all its sockets.
final class DatagramBatch {
    /// No more than this is believed of a waiting time: the wall clock may have been set meanwhile.
    private static let longestWait = Duration.milliseconds(5)

    private let room: UnsafeMutablePointer<vervet_datagram>

    /// How many there are.
    private(set) var count = 0

    init() {
        room = .allocate(capacity: Int(vervet_batch_length))
        room.initialize(repeating: vervet_datagram(), count: Int(vervet_batch_length))
    }

    deinit { room.deallocate() }

    /// Whether there may be more than was taken.
    var isFull: Bool { count == Int(vervet_batch_length) }

    /// Takes what is there.
    ///
    /// - Returns: False when the socket told an error instead, which it forgets by that.
    func fill(from descriptor: CInt) -> Bool {
        let taken = vervet_receive_batch(descriptor, room, CInt(vervet_batch_length))
        let isTold = taken >= 0 || errno == EAGAIN
        count = max(0, Int(taken))
        return isTold
    }

    /// Takes what is there; the first failure may be a queued error of an earlier send, so it looks once more.
    ///
    /// - Returns: How many datagrams there are now.
    func fillWhatComes(from descriptor: CInt) -> Int {
        for _ in 0..<2 {
            if fill(from: descriptor) {
                break
            }
        }
        return count
    }

    /// One of them; nil when its source is no IP address.
    ///
    /// - Parameters:
    ///   - index: Its place, below ``count``.
    ///   - wallClock: The present by CLOCK_REALTIME, in nanoseconds.
    /// - Returns: A copy.
    func datagram(_ index: Int, wallClock: Int64) -> LinkDatagram? {
        let one = room + index
        guard let source = SocketAddress(one.pointee.source) else {
            return nil
        }
        let details = withUnsafeBytes(of: &one.pointee.control) {
            ControlMessages.read(UnsafeRawBufferPointer(rebasing: $0.prefix(one.pointee.control_length)))
        }
        let bytes = withUnsafeBytes(of: &one.pointee.bytes) { Array($0.prefix(one.pointee.length)) }
        let waited = details.arrived.map { Duration.nanoseconds(wallClock &- $0) } ?? .zero
        return LinkDatagram(
            source: source,
            bytes: bytes,
            ttl: details.timeToLive,
            waited: min(max(.zero, waited), Self.longestWait)
        )
    }

    /// The bytes of one of them, whatever its source.
    ///
    /// - Parameter index: Its place, below ``count``.
    /// - Returns: A copy.
    func bytes(_ index: Int) -> [UInt8] {
        withUnsafeBytes(of: &room[index].bytes) { Array($0.prefix(room[index].length)) }
    }

    /// CLOCK_REALTIME, in nanoseconds, as the kernel marks what arrives.
    static var wallClock: Int64 {
        var value = timespec()
        // Cannot fail: the clock exists.
        _ = clock_gettime(CLOCK_REALTIME, &value)
        return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }
}

/// What the kernel says about a datagram besides its bytes (cmsg(3)): each a header, then a value, aligned like the header.
struct ControlMessages: Equatable {
    /// With which it arrived.
    var timeToLive: UInt8?

    /// When it arrived by CLOCK_REALTIME, in nanoseconds (SO_TIMESTAMPNS).
    var arrived: Int64?

    static func read(_ control: UnsafeRawBufferPointer) -> ControlMessages {
        var result = ControlMessages()
        let header = MemoryLayout<cmsghdr>.size
        var rest = control
        while rest.count >= header + MemoryLayout<CInt>.size {
            let message = rest.loadUnaligned(as: cmsghdr.self)
            guard message.cmsg_len >= header, message.cmsg_len <= rest.count else {
                break
            }
            let size = Int(message.cmsg_len) - header
            switch (message.cmsg_level, message.cmsg_type) {
            case (CInt(IPPROTO_IP), CInt(IP_TTL)), (CInt(IPPROTO_IPV6), CInt(IPV6_HOPLIMIT)):
                if size >= MemoryLayout<CInt>.size {
                    result.timeToLive = UInt8(clamping: rest.loadUnaligned(fromByteOffset: header, as: CInt.self))
                }
            case (SOL_SOCKET, SO_TIMESTAMPNS):
                if size >= MemoryLayout<timespec>.size {
                    let time = rest.loadUnaligned(fromByteOffset: header, as: timespec.self)
                    result.arrived = Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
                }
            default: break
            }
            let step = (Int(message.cmsg_len) + MemoryLayout<Int>.alignment - 1) & ~(MemoryLayout<Int>.alignment - 1)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(step))
        }
        return result
    }
}
