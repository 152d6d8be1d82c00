// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

/// The packet filter of a shared address, as text for nft(8).
///
/// Packets to the address that come in on the interface are dropped, unless their source hashes into a bucket of this
/// node. Those are taken as if they had been sent to this host alone, which TCP insists on. What can be part of the
/// text has been validated: numbers, addresses and a device name of harmless characters.
struct ClusteredRules: Sendable, Equatable {
    static let chain = "prerouting"

    let address: IPAddress
    let device: String
    let buckets: Int
    let seed: UInt32
    /// The hardware address for the node's own ARP packets; nil leaves them alone.
    let mangle: LinkLayerAddress?

    /// The table's name, in both families.
    static func table(of address: IPAddress) -> String {
        "IPaddr2_" + address.description.map { ".:".contains($0) ? "_" : String($0) }.joined()
    }

    /// The comment of a bucket's rule.
    static func comment(of bucket: Int) -> String { "cip-node-\(bucket)" }

    /// The comment of the rule that drops what hashes elsewhere; it tells among how many buckets.
    static func dropComment(of buckets: Int) -> String { "cip-drop-\(buckets)" }

    /// The bucket that a rule lets pass; nil for a rule of another purpose.
    static func bucket(of rule: FilterRule) -> Int? {
        guard rule.chain == chain, rule.comment.hasPrefix("cip-node-") else {
            return nil
        }
        return AgentEnvironment.decimal(String(rule.comment.dropFirst("cip-node-".count)))
    }

    /// Whether nft(8) takes a device name between quotes as it is: `*` would be a pattern.
    static func canName(_ device: String) -> Bool {
        !device.isEmpty
            && device.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "._-@+".utf8.contains(byte)
                }
            }
    }

    private var family: String { address.family == .ipv4 ? "ip" : "ip6" }
    private var table: String { Self.table(of: address) }
    private var match: String { "iifname \"\(device)\" \(family) daddr \(address)" }

    private func rule(of bucket: Int) -> String {
        "\(match) jhash \(family) saddr mod \(buckets) seed 0x\(String(seed, radix: 16)) offset 1 \(bucket) "
            + "meta pkttype set host accept comment \"\(Self.comment(of: bucket))\""
    }

    /// A new filter with one bucket, in place of one that may be left from before.
    func installation(of bucket: Int) -> String {
        var lines = Self.replacement(family, table)
        lines.append("table \(family) \(table) {")
        lines.append("chain \(Self.chain) {")
        lines.append("type filter hook prerouting priority mangle; policy accept;")
        lines.append(rule(of: bucket))
        if address.family == .ipv6 {
            // Answers to this node's own questions come from any neighbour.
            lines.append("\(match) icmpv6 type nd-neighbor-advert meta pkttype set host accept comment \"cip-nd\"")
        }
        lines += ["\(match) drop comment \"\(Self.dropComment(of: buckets))\"", "}", "}"]
        if let mangle {
            lines += Self.replacement("arp", table)
            lines += [
                "table arp \(table) {", "chain output {", "type filter hook output priority filter; policy accept;",
                // Requests too: a peer learns the sender of either.
                "oifname \"\(device)\" arp saddr ip \(address) arp saddr ether set \(mangle)", "}", "}",
            ]
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// One bucket more, in front of the rule that drops.
    func addition(of bucket: Int) -> String { "insert rule \(family) \(table) \(Self.chain) \(rule(of: bucket))\n" }

    /// Without these rules.
    static func removal(of rules: [FilterRule], for address: IPAddress) -> String {
        let family = address.family == .ipv4 ? "ip" : "ip6"
        return rules.map { "delete rule \(family) \(table(of: address)) \($0.chain) handle \($0.handle)\n" }.joined()
    }

    /// Without anything; a table that does not exist is created first, because deleting nothing is an error.
    static func removal(for address: IPAddress) -> String {
        (replacement(address.family == .ipv4 ? "ip" : "ip6", table(of: address))
            + (address.family == .ipv4 ? replacement("arp", table(of: address)) : []))
            .map { $0 + "\n" }.joined()
    }

    private static func replacement(_ family: String, _ table: String) -> [String] {
        ["add table \(family) \(table)", "delete table \(family) \(table)"]
    }
}
