// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Testing

@testable import OCFAgents

private func settings(_ parameters: [String: String]) -> AddressSettings {
    var variables: [String: String] = [:]
    for (name, value) in parameters {
        variables["OCF_RESKEY_\(name)"] = value
    }
    return AddressSettings(AgentEnvironment(variables: variables, type: "IPaddr2"))
}

@Suite struct AddressSettingsTests {
    @Test func defaults() {
        let plain = settings(["ip": " 198.51.100.50 "])
        #expect(plain.address == IPAddress("198.51.100.50"))
        #expect(plain.placementProblem == nil && plain.otherProblem == nil)
        #expect(plain.announcementCount == 5 && plain.announcementInterval == .milliseconds(200))
        #expect(plain.announcesInBackground && plain.checksLink && !plain.movesFromLoopback)
        #expect(!settings(["ip": "2001:db8::1"]).announcesInBackground)
    }

    @Test(arguments: [
        ("24", 24), ("1", 1), ("32", 32), ("255.255.255.0", 24), ("255.255.255.255", 32), ("128.0.0.0", 1),
    ])
    func prefixes(text: String, length: Int) {
        #expect(settings(["ip": "192.0.2.1", "cidr_netmask": text]).prefix.map(Int.init) == length)
        #expect(settings(["ip": "192.0.2.1", "netmask": text]).prefix.map(Int.init) == length)
    }

    @Test func labelsComeFromTheInterfaceFirst() {
        let both = settings(["ip": "192.0.2.1", "nic": "va0:old", "iflabel": "new"])
        #expect(both.nic == "va0")
        #expect(both.label(on: "va0") == "va0:old")
        #expect(!both.remarks.isEmpty)
        #expect(settings(["ip": "2001:db8::1", "iflabel": "web"]).label(on: "va0") == nil)
    }

    /// Malformed parameter sets: each is refused with one line of explanation, and none of them traps.
    static let malformed: [[String: String]] = [
        ["ip": ""], ["ip": " "], ["ip": "not_ip"], ["ip": "198.51.100.256"], ["ip": "198.51.100.050"],
        ["ip": "198.51.100"], ["ip": "198.51.100.50.1"], ["ip": "198.51.100.50/24"], ["ip": "0.1.2.3"],
        ["ip": "-1.2.3.4"], ["ip": "1.2.3.4\n5.6.7.8"], ["ip": "١.٢.٣.٤"], ["ip": ":"], ["ip": "2001:db8:::1"],
        ["ip": "2001:db8::g"], ["ip": "::ffff:192.0.2.1"], ["ip": "2001:db8::1%va0"], ["ip": "fe80::50"],
        ["ip": "FE80::50"], ["ip": "[2001:db8::1]"], ["ip": "2001:db8::1/64"],
        ["ip": "192.0.2.1", "cidr_netmask": "0"], ["ip": "192.0.2.1", "cidr_netmask": "33"],
        ["ip": "192.0.2.1", "cidr_netmask": "-1"], ["ip": "192.0.2.1", "cidr_netmask": "abc"],
        ["ip": "192.0.2.1", "cidr_netmask": "24 "], ["ip": "192.0.2.1", "cidr_netmask": "255.0.255.0"],
        ["ip": "192.0.2.1", "cidr_netmask": "0.0.0.0"], ["ip": "192.0.2.1", "cidr_netmask": "0.0.0.255"],
        ["ip": "192.0.2.1", "cidr_netmask": "99999999999999999999"], ["ip": "192.0.2.1", "netmask": "x"],
        ["ip": "2001:db8::1", "cidr_netmask": "129"], ["ip": "2001:db8::1", "cidr_netmask": "255.255.0.0"],
        ["ip": "192.0.2.1", "broadcast": "bad"], ["ip": "192.0.2.1", "broadcast": "++"],
        ["ip": "192.0.2.1", "broadcast": "2001:db8::1"], ["ip": "192.0.2.1", "proto": "nonsense"],
        ["ip": "192.0.2.1", "proto": "0"], ["ip": "192.0.2.1", "proto": "256"],
        ["ip": "192.0.2.1", "arp_count": "0"], ["ip": "192.0.2.1", "arp_count": ""],
        ["ip": "192.0.2.1", "arp_count": "1e3"], ["ip": "192.0.2.1", "arp_interval": "x"],
        ["ip": "192.0.2.1", "arp_interval": "-5"], ["ip": "192.0.2.1", "arp_count_refresh": "x"],
        ["ip": "192.0.2.1", "arp_sender": "bogus"], ["ip": "2001:db8::1", "preferred_lft": ""],
        ["ip": "2001:db8::1", "preferred_lft": "soon"], ["ip": "2001:db8::1", "lvs_support": "true"],
        ["ip": "192.0.2.1", "CRM_meta_clone_max": "x"], ["ip": "192.0.2.1", "CRM_meta_clone_max": "2"],
        ["ip": "192.0.2.1", "send_arp_opts": "-p /x"], ["ip": "192.0.2.1", "send_arp_opts": "now"],
        ["ip": "192.0.2.1", "unique_clone_address": "1"], ["ip": "192.0.2.1", "collision_exit": "5"],
        ["ip": "2001:db8::1", "lvs_ipv6_addrlabel_value": "-1"],
        ["ip": "2001:db8::1", "lvs_ipv6_addrlabel_value": "4294967295"],
    ]

    @Test(arguments: malformed)
    func refusesMalformed(parameters: [String: String]) throws {
        let read = settings(parameters)
        let problem = try #require(read.placementProblem ?? read.otherProblem)
        #expect(!problem.isEmpty)
        #expect(!AgentLog.singleLine(problem).contains("\n"))
    }

    @Test func seededNoiseNeverTraps() {
        var generator = SeededGenerator(seed: 20_261_121)
        let alphabet = Array("0123456789abcdef:./%-+ \n\u{0}é")
        let names = IPaddr2Parameters.all.map(\.name) + ["netmask", "CRM_meta_clone_max"]
        for _ in 0..<2000 {
            var parameters = ["ip": "192.0.2.1"]
            for _ in 0..<3 {
                let length = Int.random(in: 0...12, using: &generator)
                let text = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
                parameters[names[Int.random(in: 0..<names.count, using: &generator)]] = String(text)
            }
            _ = settings(parameters)
        }
    }
}

/// A small generator (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
