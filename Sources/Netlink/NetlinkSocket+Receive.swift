// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import LinuxKit

extension NetlinkSocket {
    /// Largest datagram that is accepted; the kernel offers dumps in pieces of at most 32 KiB.
    private static let datagramLimit = 60 * 1024

    /// What one receive brought.
    enum Reception {
        case messages([NetlinkMessage])
        /// The errno; EAGAIN when nothing came in time.
        case failed(CInt)
        case malformed(String)
    }

    /// Reads one datagram of the kernel.
    ///
    /// recvfrom(2) itself rather than libnl's nl_recv, which turns ENOBUFS into "out of memory" and allocates twice.
    static func receive(_ descriptor: CInt) -> Reception {
        while true {
            var sender = sockaddr_nl()
            var length = 0
            var failure: CInt = 0
            let datagram = [UInt8](unsafeUninitializedCapacity: datagramLimit) { buffer, count in
                (length, failure) = receive(descriptor, into: buffer, sender: &sender)
                count = min(max(length, 0), buffer.count)
            }
            if length < 0 {
                if failure == EINTR {
                    continue
                }
                return .failed(failure == EWOULDBLOCK ? EAGAIN : failure)
            }
            if sender.nl_pid != 0 {
                // Any process may send to our port; only port 0 is the kernel (netlink(7)).
                continue
            }
            if length > datagram.count {
                return .malformed("a datagram of \(length) bytes")
            }
            let (messages, complete) = NetlinkMessage.parse(datagram)
            return complete ? .messages(messages) : .malformed("a message longer than its datagram")
        }
    }

    private static func receive(
        _ descriptor: CInt,
        into buffer: UnsafeMutableBufferPointer<UInt8>,
        sender: inout sockaddr_nl
    ) -> (length: Int, failure: CInt) {
        withUnsafeMutablePointer(to: &sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                var size = socklen_t(MemoryLayout<sockaddr_nl>.size)
                // MSG_TRUNC makes the result the real length, so that a datagram that was cut is noticed.
                let length = recvfrom(
                    descriptor,
                    buffer.baseAddress,
                    buffer.count,
                    CInt(MSG_TRUNC),
                    pointer,
                    &size
                )
                return (length, length < 0 ? errno : 0)
            }
        }
    }
}
