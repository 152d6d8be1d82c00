// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Counts the entries of `/proc/net/ip_vs_conn_sync` as they come; the file may be a hundred megabytes long.
public struct ConnectionCount: Hashable, Sendable {
    /// Connections that were opened here.
    public private(set) var local = 0
    /// Connections that were learned from another director.
    public private(set) var synchronised = 0
    /// Whether the count was ended early, so that there are more.
    public var isPartial = false
    /// How old the count is, when it is not of this moment.
    public var age: Duration?

    private var rest: [UInt8] = []
    private static let local = Array("LOCAL".utf8)
    private static let synchronised = Array("SYNC".utf8)

    /// Starts at zero.
    public init() {}

    /// A count that was made before.
    public init(local: Int, synchronised: Int, age: Duration) {
        self.local = local
        self.synchronised = synchronised
        self.age = age
    }

    /// Takes the next bytes of the file.
    public mutating func add(_ bytes: some Sequence<UInt8>) {
        rest += bytes
        var start = 0
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            count(rest[start..<end])
            start = end + 1
        }
        rest.removeFirst(start)
    }

    /// The last but one word of a line is where the connection comes from.
    private mutating func count(_ line: ArraySlice<UInt8>) {
        let words = line.split(separator: UInt8(ascii: " "))
        guard words.count >= 2 else {
            return
        }
        if words[words.count - 2].elementsEqual(Self.local) {
            local += 1
        } else if words[words.count - 2].elementsEqual(Self.synchronised) {
            synchronised += 1
        }
    }
}

/// What the kernel counts about received datagrams.
public struct DatagramErrors: Hashable, Sendable {
    /// Errors of all sockets (`InErrors` of /proc/net/snmp).
    public var all = 0
    /// Of them, those for want of room (`RcvbufErrors`).
    public var withoutRoom = 0
    /// What the sync daemon's own socket had no room for; nil when there is no such socket.
    public var syncSocket: Int?

    /// Reads the texts of /proc/net/snmp and /proc/net/udp (or udp6).
    ///
    /// - Parameters:
    ///   - snmp: The one.
    ///   - udp: The other.
    ///   - group: The group of the backup daemon.
    ///   - port: Its port.
    public init(snmp: String, udp: String, group: IPAddress, port: UInt16) {
        let lines = snmp.split(separator: "\n").filter { $0.hasPrefix("Udp: ") }.map { $0.split(separator: " ") }
        if lines.count == 2 {
            for (name, value) in zip(lines[0], lines[1]) {
                switch name {
                case "InErrors": all = Int(value) ?? 0
                case "RcvbufErrors": withoutRoom = Int(value) ?? 0
                default: break
                }
            }
        }
        let end = "\(Self.hexadecimal(group)):\(Self.hexadecimal(of: [UInt8(port >> 8), UInt8(port & 255)]))"
        for line in udp.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count > 2, words[1] == end, let drops = words.last.flatMap({ Int($0) }) {
                syncSocket = (syncSocket ?? 0) + drops
            }
        }
    }

    /// An address as the kernel prints it in such files: words of four bytes in the host's order.
    static func hexadecimal(_ address: IPAddress) -> String {
        let bytes = Array(address.bytes)
        return stride(from: 0, to: bytes.count, by: 4)
            .map { hexadecimal(of: bytes[$0..<$0 + 4].reversed()) }.joined()
    }

    private static func hexadecimal(of bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.utf8.count < 2 ? "0" + digits : digits
        }.joined()
    }
}

/// Which multicast groups an interface listens to.
public enum MulticastGroups {
    /// Whether `/proc/net/igmp` names the group on the interface; IPv4 only.
    public static func contains(_ igmp: String, interface: String, group: IPAddress) -> Bool {
        var isThere = false
        for line in igmp.split(separator: "\n").dropFirst() {
            let words = line.split { $0 == " " || $0 == "\t" || $0 == ":" }
            if let first = line.first, first != "\t", first != " " {
                isThere = words.count > 1 && words[1] == interface
            } else if isThere, let word = words.first, word == DatagramErrors.hexadecimal(group) {
                return true
            }
        }
        return false
    }
}
