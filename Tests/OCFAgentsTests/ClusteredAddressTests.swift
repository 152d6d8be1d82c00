// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink
import Testing

@testable import OCFAgents

/// The values behind an address that several nodes share: derived numbers, rules as text, states.
@Suite struct ClusteredAddressTests {
    let address = IPAddress(ipv4: 0xc633_6432)

    /// RFC 1321, A.5, and lengths around the padding.
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a"
        ),
        (String(repeating: "a", count: 55), "ef1772b6dff9a122358552954ad0df65"),
        (String(repeating: "a", count: 56), "3b0c8ac703f828b04c6c197006d17218"),
        (String(repeating: "a", count: 64), "014842d480b571495a4a0363793f7367"),
    ]) func digests(text: String, digest: String) {
        let hex = MessageDigest5.digest(Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        #expect(hex.joined() == digest)
    }

    private func environment(_ values: [String: String]) -> AgentEnvironment {
        var variables = ["OCF_RESKEY_ip": "\(address)", "OCF_RESKEY_CRM_meta_clone_max": "2"]
        for (name, value) in values {
            variables["OCF_RESKEY_\(name)"] = value
        }
        return AgentEnvironment(variables: variables, type: "IPaddr2")
    }

    @Test func seedAndHardwareAreDerivedFromTheDigest() {
        let plain = ClusteredAddress(environment(["CRM_meta_clone": "0"]), buckets: 2, isIPv6: false)
        let broadcast = IPAddress("198.51.100.255")
        let digest = MessageDigest5.digest(Array("198.51.100.50 24 198.51.100.255\n".utf8))
        let hardware = plain.hardware(of: address, prefix: 24, broadcast: broadcast)
        #expect(hardware?.bytes.dropFirst() == digest[1..<6])
        #expect(hardware?.bytes[0] == (digest[0] & 1 == 1 ? digest[0] : digest[0] & 0xf0 | 1))
        let seed = plain.seed(of: address, prefix: 24, broadcast: broadcast)
        #expect(seed == digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
        #expect(plain.hardware(of: address, prefix: 24, broadcast: nil) != hardware)
        let given = ClusteredAddress(
            environment(["CRM_meta_clone": "1", "mac": "01-00-5e-00-00-01", "clusterip_hash_seed": "0xDEADBEEF"]),
            buckets: 2,
            isIPv6: false
        )
        #expect(given.problem == nil && given.bucket == 2)
        #expect(given.hardware(of: address, prefix: 24, broadcast: nil)?.description == "01:00:5e:00:00:01")
        #expect(given.seed(of: address, prefix: 24, broadcast: nil) == 0xdead_beef)
    }

    @Test func rulesAsText() {
        let rules = ClusteredRules(
            address: address,
            device: "eth0",
            buckets: 3,
            seed: 0x1234,
            mangle: LinkLayerAddress("01:00:5e:00:00:01")
        )
        #expect(
            rules.installation(of: 2) == """
                add table ip IPaddr2_198_51_100_50
                delete table ip IPaddr2_198_51_100_50
                table ip IPaddr2_198_51_100_50 {
                chain prerouting {
                type filter hook prerouting priority mangle; policy accept;
                iifname "eth0" ip daddr 198.51.100.50 jhash ip saddr mod 3 seed 0x1234 offset 1 2 \
                meta pkttype set host accept comment "cip-node-2"
                iifname "eth0" ip daddr 198.51.100.50 drop comment "cip-drop-3"
                }
                }
                add table arp IPaddr2_198_51_100_50
                delete table arp IPaddr2_198_51_100_50
                table arp IPaddr2_198_51_100_50 {
                chain output {
                type filter hook output priority filter; policy accept;
                oifname "eth0" arp saddr ip 198.51.100.50 arp saddr ether set 01:00:5e:00:00:01
                }
                }

                """
        )
        let own = FilterRule(chain: "prerouting", handle: 7, comment: "cip-node-2")
        #expect(
            ClusteredRules.removal(of: [own], for: address)
                == "delete rule ip IPaddr2_198_51_100_50 prerouting handle 7\n"
        )
        #expect(ClusteredRules.table(of: IPAddress("2001:db8::1") ?? address) == "IPaddr2_2001_db8__1")
    }

    @Test(arguments: ["eth0", "bond0.100", "br-lan", "veth@x"]) func deviceNamesThatNftTakes(name: String) {
        #expect(ClusteredRules.canName(name))
    }

    @Test(arguments: ["", "eth*", "a\"b", "a b", "a;b", "a\\b", "{", "é"])
    func deviceNamesThatNftWouldMisread(name: String) {
        #expect(!ClusteredRules.canName(name))
    }

    @Test func findings() {
        let own = FilterRule(chain: "prerouting", handle: 7, comment: "cip-node-2")
        let drop = FilterRule(chain: "prerouting", handle: 8, comment: "cip-drop-2")
        func finding(_ address: AddressState, _ rules: [FilterRule]?, joined: Bool = true) -> ClusterState.Finding {
            ClusterState(holders: [], address: address, rules: rules, isJoined: joined, total: 2)
                .finding(for: 2)
        }
        #expect(finding(.absent, [own, drop]) == .absent)
        #expect(finding(.usable, nil) == .unfiltered)
        #expect(finding(.usable, [drop]) == .bucketMissing)
        #expect(finding(.usable, [own, drop]) == .usable)
        #expect(finding(.usable, [own, drop], joined: false) == .notJoined)
        let other = FilterRule(chain: "output", handle: 7, comment: "cip-node-2")
        #expect(finding(.usable, [other, drop]) == .bucketMissing)
        #expect(finding(.usable, [own]) == .unfiltered)
        let three = FilterRule(chain: "prerouting", handle: 8, comment: "cip-drop-3")
        #expect(finding(.usable, [own, three]) == .unfiltered)
        #expect(finding(.duplicate(link: "x"), nil) == .unusable(.duplicate(link: "x")))
    }

    @Test func membershipIsReadFromTheKernelsList() throws {
        let table = "2    eth0            1     0     333300000001\n3    va0             2     1     01005e000001\n"
        let hardware = try #require(LinkLayerAddress("01:00:5e:00:00:01"))
        #expect(MulticastMembership.isListed(hardware, on: "va0", in: table))
        #expect(!MulticastMembership.isListed(hardware, on: "eth0", in: table))
        #expect(!MulticastMembership.isListed(hardware, on: "va0", in: "broken"))
    }
}
