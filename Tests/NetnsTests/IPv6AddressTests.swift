// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// IPaddr2 on the real kernel: IPv6, and network namespaces.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct IPv6AddressTests {
    let site: Site
    let vip = "2001:db8:1::50"

    init() throws {
        site = try Site()
        try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad")
    }

    private func agent(_ parameters: [String: String] = [:]) -> Agent {
        Agent(site, ["ip": vip].merging(parameters) { $1 })
    }

    @Test func case37DuplicateAddress() throws {
        try site.b.run("ip -6 address add 2001:db8:1::50/64 dev vb0 nodad")
        let answer = try agent().call("start")
        #expect(answer.code == 1)
        #expect(answer.errors.contains("another host has it too"))
        #expect(try !site.has("2001:db8:1::50/64"))
    }

    @Test func case38And42StartAnnounces() throws {
        let capture = try Capture("vb0", of: site.b, in: site, "icmp6[0] == 136")
        let answer = try agent(["arp_count": "3", "arp_interval": "100"]).call("start")
        #expect(answer.code == 0)
        #expect(try site.has("2001:db8:1::50/64"))
        #expect(try agent(["ip": "2001:DB8:1:0:0:0:0:50"]).codes("monitor") == [0])
        let frames = try capture.frames().filter { $0.advertised == vip && $0.destination == "ff02::1" }
        // The kernel itself may add one of its own.
        #expect(frames.count >= 3 && frames.allSatisfy { $0.hopLimit == "255" })
        #expect(try agent().codes("stop", "probe") == [0, 7])
        #expect(try !site.has("2001:db8:1::50/64"))
    }

    @Test func case39WithoutDetectionAndDeprecated() throws {
        let answer = try agent(["nodad": "true", "preferred_lft": "0"]).call("start")
        #expect(answer.code == 0)
        let line = try #require(try site.addresses().first { $0.contains("2001:db8:1::50/64") })
        #expect(line.contains("nodad") && line.contains("deprecated"))
        #expect(try agent().codes("stop") == [0])
    }

    @Test func case40And41LinkLocal() throws {
        #expect(try agent(["ip": "fe80::50"]).codes("start", "validate-all") == [5, 6])
        let bound = agent(["ip": "fe80::50", "nic": "va0"])
        #expect(try bound.codes("start", "monitor") == [0, 0])
        #expect(try site.has("fe80::50/64"))
        #expect(try bound.codes("stop") == [0])
    }

    @Test func case44LoopbackSupportIsForIPv4() throws {
        #expect(try agent(["lvs_support": "true"]).codes("start", "stop") == [6, 0])
    }

    @Test func case48AndQuirk16NamespaceAndLabel() throws {
        let name = "vervet-test-\(getpid())"
        try site.a.run("ip netns add \(name)")
        defer { _ = try? site.a.outcome(["/sbin/ip", "netns", "del", name]) }
        try site.a.run("ip link add vc0 type veth peer name vc1 netns \(name)")
        try site.a.run("ip link set vc0 up")
        try site.a.run("ip -n \(name) link set vc1 up")
        let inside = agent([
            "ip": "203.0.113.9", "nic": "vc1", "cidr_netmask": "24", "network_namespace": name,
        ])
        #expect(try inside.codes("start", "monitor") == [0, 0])
        #expect(try site.a.run("ip -n \(name) -o address show vc1").contains("203.0.113.9/24"))
        #expect(try !site.a.run("ip -o address show").contains("203.0.113.9"))
        #expect(try inside.codes("stop", "monitor") == [0, 7])
        // A label on IPv6 is ignored with a warning.
        let labelled = agent(["iflabel": "web", "nodad": "true", "arp_count": "1"])
        #expect(try labelled.codes("start", "monitor", "stop") == [0, 0, 0])
        #expect(labelled.log.contains("is ignored: IPv6 addresses have none"))
    }

    @Test func case55RefreshAtMonitor() throws {
        let agent = Agent(site, ["arp_count": "1", "arp_count_refresh": "2", "arp_bg": "false", "arp_interval": "50"])
        #expect(try agent.codes("start") == [0])
        let capture = try Capture("vb0", of: site.b, in: site)
        #expect(try agent.codes("monitor") == [0])
        #expect(try capture.frames().filter { $0.sender == "198.51.100.50" }.count == 4)
        let six = self.agent(["nodad": "true", "arp_count": "1", "arp_count_refresh": "2", "arp_interval": "50"])
        #expect(try six.codes("start") == [0])
        let advertisements = try Capture("vb0", of: site.b, in: site, "icmp6[0] == 136")
        let answer = try six.call("monitor")
        #expect(answer.code == 0 && !six.log.contains("cannot announce"))
        #expect(try advertisements.frames().filter { $0.advertised == vip }.count >= 2)
    }
}
