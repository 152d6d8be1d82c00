// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The local backup daemon's socket, as /proc/net/udp shows it.
struct KernelReceiver: Equatable {
    /// Bytes that wait for the daemon's thread, with the kernel's own overhead; of several threads the most.
    let queued: UInt64

    /// Datagrams that had no room.
    let drops: UInt64

    /// Reads the line of the sockets bound to the group and port; nil when there are none, as without a backup daemon.
    static func read(_ group: IPAddress, port: UInt16) -> KernelReceiver? {
        let path = group.family == .ipv4 ? "/proc/net/udp" : "/proc/net/udp6"
        guard let text = try? TextFile.read(path, limit: 1 << 18) else {
            return nil
        }
        return KernelReceiver(text, group, port)
    }

    /// Finds it in the text of /proc/net/udp: the local address is the second field, "tx_queue:rx_queue" the fifth, the drops the last.
    init?(_ text: String, _ group: IPAddress, _ port: UInt16) {
        // The address is shown as host-order words of its bytes.
        let bytes = group.bytes
        let words = stride(from: 0, to: bytes.count, by: 4).map { start in
            bytes[start..<start + 4].reversed().map(Self.hex).joined()
        }
        let end = words.joined() + ":" + Self.hex(UInt8(port >> 8)) + Self.hex(UInt8(port & 0xff))
        var found: (queued: UInt64, drops: UInt64)?
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            guard fields.count > 5, fields[1] == end, let drops = fields.last.flatMap({ UInt64($0) }) else {
                continue
            }
            let queued = fields[4].split(separator: ":").last.flatMap { UInt64($0, radix: 16) } ?? 0
            found = (max(found?.queued ?? 0, queued), (found?.drops ?? 0) + drops)
        }
        guard let found else {
            return nil
        }
        (queued, drops) = found
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count == 1 ? "0" + digits : digits
    }
}
