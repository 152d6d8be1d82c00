// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// An address that all nodes of a clone hold at once, each answering its share of the clients.
///
/// Every node gets every packet, because the address belongs to a multicast hardware address, and a packet filter lets
/// pass what hashes into the buckets of the node. Bucket `n` belongs to the clone instance `n - 1`.
struct ClusteredAddress: Sendable, Equatable {
    private typealias Names = IPaddr2Parameters

    /// How many buckets there are: the clone's greatest number of instances.
    let buckets: Int
    /// The bucket of this instance, from 1; nil when the cluster manager names none.
    let bucket: Int?
    /// The hardware address, where one is given.
    private(set) var hardware: LinkLayerAddress?
    /// The seed of the hash, where one is given.
    private(set) var seed: UInt32?
    /// Whether the node's own ARP packets name the multicast hardware address.
    let manglesARP: Bool
    /// What is wrong with the parameters of this mode.
    private(set) var problem: String?
    /// What is accepted but deserves a line in the log.
    private(set) var remarks: [String] = []

    /// Reads the parameters of the mode.
    ///
    /// - Parameters:
    ///   - environment: All parameters.
    ///   - buckets: The clone's greatest number of instances, more than 1.
    ///   - isIPv6: The family of the address.
    init(_ environment: AgentEnvironment, buckets: Int, isIPv6: Bool) {
        self.buckets = buckets
        let clone = environment.meta("clone") ?? ""
        let number = AgentEnvironment.decimal(clone)
        bucket = number.flatMap { $0 < buckets ? $0 + 1 : nil }
        manglesARP = environment.boolean(Names.macMangle)
        if bucket == nil {
            note("clone number \"\(clone)\" is not one of 0 to \(buckets - 1)")
        }
        if buckets > Int(UInt16.max) {
            note("clone-max=\(buckets) is more than an address can be shared by")
        }
        if manglesARP && isIPv6 {
            note("clusterip_mac_mangle is for IPv4 only: IPv6 has no ARP")
        }
        if environment.boolean(Names.lvsSupport) {
            note("lvs_support cannot be used for an address that is shared by several nodes")
        }
        readHardware(environment.text(Names.mac))
        readSeed(environment.text(Names.hashSeed))
        readHash(environment)
        switch environment.text(Names.firewall) {
        case "auto", "nft": break
        case "iptables": note("clusterip_firewall=iptables is not offered: use nft, or leave it empty")
        case let word: note("clusterip_firewall=\"\(word)\" is neither auto nor nft")
        }
        for name in [Names.table, Names.chain] where environment.isSet(name) {
            remarks.append("\(name.name) has no effect: nft rules have a table of their own")
        }
    }

    private mutating func readHardware(_ text: String) {
        guard !text.isEmpty else {
            return
        }
        guard let address = LinkLayerAddress(text), address.bytes.count == 6 else {
            return note("mac=\"\(text)\" is not a hardware address, such as 01:02:03:04:05:06")
        }
        guard address.bytes[0] & 1 == 1 else {
            return note("mac=\"\(text)\" is not a multicast address: its first byte must be odd")
        }
        hardware = address
    }

    private mutating func readSeed(_ text: String) {
        guard !text.isEmpty else {
            return
        }
        if text.hasPrefix("0x") || text.hasPrefix("0X") {
            let digits = text.dropFirst(2)
            // The conversion itself would take a sign.
            seed = digits.first?.isHexDigit == true ? UInt32(digits, radix: 16) : nil
        } else {
            seed = AgentEnvironment.decimal(text).flatMap(UInt32.init(exactly:))
        }
        if seed == nil {
            note("clusterip_hash_seed=\"\(text)\" is not a number of 32 bits, decimal or 0x and hex")
        }
    }

    private mutating func readHash(_ environment: AgentEnvironment) {
        guard environment.isSet(Names.hash) else {
            return
        }
        switch environment.text(Names.hash) {
        case "sourceip": break
        case let word where ["sourceip-sourceport", "sourceip-sourceport-destport"].contains(word):
            remarks.append("clusterip_hash=\"\(word)\": clients are told apart by their address only, as with sourceip")
        case let word: note("clusterip_hash=\"\(word)\" is unknown: use sourceip")
        }
    }

    private mutating func note(_ text: String) { problem = problem ?? text }

    /// The hardware address of the shared address.
    ///
    /// Without one given, it is derived from the address, so that all nodes come to the same, and to that of
    /// ocf:heartbeat:IPaddr2.
    func hardware(of address: IPAddress, prefix: UInt8, broadcast: IPAddress?) -> LinkLayerAddress? {
        if let hardware {
            return hardware
        }
        var bytes = Array(Self.digest(address, prefix, broadcast).prefix(6))
        if address.family == .ipv6 {
            bytes.replaceSubrange(0..<2, with: [0x33, 0x33])
        } else if bytes[0] & 1 == 0 {
            // The second hex digit becomes 1.
            bytes[0] = bytes[0] & 0xf0 | 1
        }
        return LinkLayerAddress(bytes: bytes)
    }

    /// The seed of the hash, the same on all nodes.
    func seed(of address: IPAddress, prefix: UInt8, broadcast: IPAddress?) -> UInt32 {
        seed ?? Self.digest(address, prefix, broadcast).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func digest(_ address: IPAddress, _ prefix: UInt8, _ broadcast: IPAddress?) -> [UInt8] {
        MessageDigest5.digest(Array("\(address) \(prefix) \(broadcast.map(\.description) ?? "")\n".utf8))
    }
}
