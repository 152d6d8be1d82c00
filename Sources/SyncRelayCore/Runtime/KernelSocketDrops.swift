// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What the kernel's own receiver had no room for: the last column of its line in /proc/net/udp.
enum KernelSocketDrops {
    /// The drops of sockets bound to the group and port; nil when there are none, as without a backup daemon.
    static func read(_ group: IPAddress, port: UInt16) -> UInt64? {
        let path = group.family == .ipv4 ? "/proc/net/udp" : "/proc/net/udp6"
        guard let text = try? TextFile.read(path, limit: 1 << 18) else {
            return nil
        }
        return drops(text, group, port)
    }

    static func drops(_ text: String, _ group: IPAddress, _ port: UInt16) -> UInt64? {
        // The address is shown as host-order words of its bytes.
        let bytes = group.bytes
        let words = stride(from: 0, to: bytes.count, by: 4).map { start in
            bytes[start..<start + 4].reversed().map(hex).joined()
        }
        let end = words.joined() + ":" + hex(UInt8(port >> 8)) + hex(UInt8(port & 0xff))
        var found: UInt64?
        for line in text.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ")
            if fields.count > 2, fields[1] == end, let drops = fields.last.flatMap({ UInt64($0) }) {
                found = (found ?? 0) + drops
            }
        }
        return found
    }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count == 1 ? "0" + digits : digits
    }
}
