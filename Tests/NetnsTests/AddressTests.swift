// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// IPaddr2 on the real kernel: the ordinary life of an IPv4 address.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct AddressTests {
    let site: Site
    let vip = "198.51.100.50"

    init() throws { site = try Site() }

    @Test func case01to04StartMonitorStop() throws {
        let agent = Agent(site)
        let capture = try Capture("vb0", of: site.b, in: site)
        #expect(try agent.codes("start") == [0])
        let line = try #require(try site.addresses().first { $0.contains("198.51.100.50/24") })
        #expect(line.contains("brd 198.51.100.255") && line.contains("scope global secondary va0"))
        #expect(try agent.codes("monitor", "probe", "status") == [0, 0, 0])
        #expect(try agent.call("status").output == "running")
        // Every round of the announcer: two frames each, 200 ms apart.
        #expect(Site.wait { access("\(site.directory)/send_arp-vip", F_OK) != 0 })
        let frames = try capture.frames().filter { $0.sender == vip }
        #expect(frames.count == 10)
        for frame in frames {
            #expect(frame.destination == "ff:ff:ff:ff:ff:ff" && frame.sender == vip && frame.target == vip)
            #expect(frame.operation == "1" || frame.operation == "2")
        }
        #expect(try site.a.run("ip -o link show va0").contains(frames[0].senderHardware))

        let before = try site.ipv4Addresses()
        let second = try Capture("vb0", of: site.b, in: site)
        #expect(try agent.codes("start") == [0])
        #expect(try site.ipv4Addresses() == before)
        #expect(try second.frames().isEmpty)

        #expect(try agent.codes("stop", "stop") == [0, 0])
        #expect(try !site.has("198.51.100.50/24"))
        #expect(try site.has("198.51.100.1/24"))
    }

    @Test func case05NothingRuns() throws {
        let agent = Agent(site)
        #expect(try agent.codes("monitor", "probe", "status") == [7, 7, 7])
        #expect(try agent.call("status").output == "stopped")
    }

    @Test func case06And07EmptyAddress() throws {
        let agent = Agent(site, ["ip": ""])
        #expect(try agent.codes("start", "validate-all", "monitor", "probe") == [6, 6, 6, 6])
        #expect(try agent.call("start").errors.contains("ocf-exit-reason:required parameter ip is not set"))
        #expect(try agent.codes("stop") == [0])
    }

    @Test(arguments: ["not_ip", "198.51.100.256", "198.51.100.050"])
    func case08to10BadAddress(text: String) throws {
        let before = try site.ipv4Addresses()
        let agent = Agent(site, ["ip": text])
        #expect(try agent.codes("start", "validate-all", "monitor", "probe", "stop") == [5, 6, 1, 7, 0])
        #expect(try site.ipv4Addresses() == before)
    }

    @Test(arguments: ["33", "0", "abc", "255.0.255.0"])
    func case11BadPrefix(text: String) throws {
        let agent = Agent(site, ["cidr_netmask": text])
        #expect(try agent.codes("start", "validate-all", "stop") == [5, 6, 0])
    }

    @Test func case12DottedNetmask() throws {
        let agent = Agent(site, ["cidr_netmask": "255.255.255.0"])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try site.has("198.51.100.50/24"))
        #expect(agent.log.contains("WARNING: cidr_netmask"))
        #expect(try agent.codes("stop") == [0])
    }

    @Test func case13BadBroadcast() throws {
        #expect(try Agent(site, ["broadcast": "bad"]).codes("start", "validate-all") == [5, 6])
    }

    @Test(arguments: [("+", "203.0.113.255"), ("-", "203.0.113.0")])
    func case14Broadcast(sign: String, expected: String) throws {
        let agent = Agent(site, ["ip": "203.0.113.9", "nic": "va1", "cidr_netmask": "24", "broadcast": sign])
        #expect(try agent.codes("start") == [0])
        #expect(try site.addresses("va1").contains { $0.contains("203.0.113.9/24 brd \(expected) ") })
        #expect(try agent.codes("stop") == [0])
    }

    @Test func case15And16MissingInterface() throws {
        let agent = Agent(site, ["nic": "nonic"])
        #expect(try agent.codes("start", "validate-all", "monitor", "probe", "stop") == [5, 6, 1, 7, 0])
        #expect(try Agent(site, ["nic": "nonic", "cidr_netmask": "24"]).codes("monitor") == [7])
    }

    @Test func case17NoRoute() throws {
        let agent = Agent(site, ["ip": "203.0.113.9"])
        #expect(try agent.codes("start", "validate-all", "monitor", "probe", "stop") == [5, 1, 7, 7, 0])
    }

    @Test func case18And19RoutesThatDoNotCount() throws {
        try site.a.run("ip route add default via 198.51.100.254")
        #expect(try Agent(site, ["ip": "203.0.113.9"]).codes("start") == [5])
        try site.a.run("ip route add 203.0.113.0/24 via 198.51.100.254")
        #expect(try Agent(site, ["ip": "203.0.113.9"]).codes("start") == [5])
    }

    @Test func case20And21InterfaceAndPrefixNeedNoRoute() throws {
        let agent = Agent(site, ["ip": "203.0.113.9", "nic": "va1", "cidr_netmask": "24"])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try site.addresses("va1").contains { $0.hasPrefix("inet 203.0.113.9/24 scope global") })
        #expect(try agent.codes("stop") == [0])
        try site.a.run("ip link set va1 down")
        #expect(try agent.codes("start") == [0])
        #expect(try site.a.run("ip -o link show va1").contains(",UP"))
        #expect(try agent.codes("stop") == [0])
    }

    @Test func case22InterfaceWithoutRouteAndPrefix() throws {
        #expect(try Agent(site, ["ip": "203.0.113.9", "nic": "va1"]).codes("start") == [5])
    }

    @Test func case23CopyOnAnotherInterface() throws {
        try site.a.run("ip address add 198.51.100.50/24 dev va1")
        let agent = Agent(site, ["nic": "va0", "cidr_netmask": "24"])
        #expect(try agent.codes("monitor", "start") == [7, 0])
        #expect(try site.has("198.51.100.50/24") && site.has("198.51.100.50/24", on: "va1"))
        #expect(try agent.codes("stop") == [0])
        #expect(try !site.has("198.51.100.50/24") && site.has("198.51.100.50/24", on: "va1"))
    }

    @Test func case24And25OtherPrefix() throws {
        #expect(try Agent(site).codes("start") == [0])
        #expect(try Agent(site, ["cidr_netmask": "28"]).codes("monitor") == [7])
        #expect(try Agent(site, ["cidr_netmask": "16"]).codes("monitor") == [7])
        #expect(try Agent(site).codes("stop") == [0])
    }

    @Test func case26Label() throws {
        let agent = Agent(site, ["iflabel": "web"])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try site.addresses().contains { $0.contains("198.51.100.50/24") && $0.contains("va0:web") })
        let other = Agent(site, ["iflabel": "other"])
        #expect(try other.codes("monitor", "start") == [1, 1])
        #expect(try agent.codes("monitor") == [0])
        #expect(try other.codes("stop") == [0])
        #expect(try !site.has("198.51.100.50/24"))
    }

    @Test func case27to29LabelLength() throws {
        #expect(try Agent(site, ["iflabel": "abcdefghijk"]).codes("start", "stop") == [0, 0])
        let long = Agent(site, ["iflabel": "abcdefghijkl"])
        #expect(try long.codes("start", "validate-all", "stop", "probe") == [6, 6, 0, 7])
        #expect(try Agent(site, ["nic": "va0:old", "iflabel": "new"]).codes("start") == [0])
        #expect(try site.addresses().contains { $0.contains("va0:old") })
        #expect(try Agent(site).codes("stop") == [0])
    }

    @Test func case59MetricDoesNotBeatThePrefix() throws {
        try site.a.run("ip route add 198.51.0.0/16 dev va1 metric 100")
        #expect(try Agent(site).codes("start") == [0])
        #expect(try site.has("198.51.100.50/24"))
        #expect(try Agent(site).codes("stop") == [0])
    }
}
