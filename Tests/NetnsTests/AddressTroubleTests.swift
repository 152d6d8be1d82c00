// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// IPaddr2 on the real kernel: links without carrier, other owners, vanished routes, wrong parameters.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct AddressTroubleTests {
    let site: Site

    init() throws { site = try Site() }

    @Test func case30WithoutRoot() throws {
        let agent = Agent(site, isRoot: false)
        #expect(try agent.codes("start", "stop", "monitor", "validate-all", "meta-data") == [4, 4, 7, 0, 0])
        #expect(try agent.call("start").errors.contains("needs root's privileges"))
    }

    @Test func case31NoHelpersNeeded() throws {
        let agent = Agent(site, variables: ["OCF_TESTER_FAIL_HAVE_BINARY": "1"])
        #expect(try agent.codes("probe", "meta-data") == [7, 0])
    }

    @Test func case32LinkLostWhileRunning() throws {
        let agent = Agent(site)
        #expect(try agent.codes("start") == [0])
        try site.cutCable()
        let answer = try agent.call("monitor")
        #expect(answer.code == 7 && answer.errors.contains("the link is DOWN"))
        #expect(try agent.codes("probe", "status", "start", "stop") == [1, 7, 5, 0])
        #expect(try !site.has("198.51.100.50/24"))
    }

    @Test func case33And34StartWithoutCarrier() throws {
        try site.cutCable()
        #expect(try Agent(site).codes("start") == [1])
        #expect(try !site.has("198.51.100.50/24"))
        #expect(try Agent(site, ["check_link_status": "false"]).codes("start") == [0])
        #expect(try site.has("198.51.100.50/24"))
    }

    @Test func case35Collision() throws {
        try site.b.run("ip address add 198.51.100.50/24 dev vb0")
        let agent = Agent(site, ["run_arping": "true"])
        let answer = try agent.call("start")
        #expect(answer.code == 1)
        #expect(answer.errors.contains("IPv4 address collision"))
        #expect(agent.log.contains("IPv4 address collision"))
        #expect(try !site.has("198.51.100.50/24"))
    }

    @Test func case36FreeAddress() throws {
        let answer = try Agent(site, ["run_arping": "true"]).call("start")
        #expect(answer.code == 0 && answer.seconds > 1.5)
    }

    @Test func case43LoopbackCopyMoves() throws {
        try site.a.run("ip address add 198.51.100.50/32 dev lo")
        let agent = Agent(site, ["lvs_support": "true"])
        #expect(try agent.codes("start") == [0])
        #expect(try !site.has("198.51.100.50/32", on: "lo") && site.has("198.51.100.50/24"))
        let saved = try TextFile.read("\(site.directory)/198.51.100.50", limit: 256)
        #expect(saved.hasPrefix("198.51.100.50 32 255.255.255.255 lo"))
        #expect(try agent.codes("monitor", "stop") == [0, 0])
        #expect(try site.has("198.51.100.50/32", on: "lo") && !site.has("198.51.100.50/24"))
        #expect(throws: SystemError.self) { try TextFile.read("\(site.directory)/198.51.100.50", limit: 256) }
    }

    @Test func case43WithoutSupportBothCoexist() throws {
        try site.a.run("ip address add 198.51.100.50/32 dev lo")
        let agent = Agent(site)
        #expect(try agent.codes("monitor", "start", "stop") == [7, 0, 0])
        #expect(try site.has("198.51.100.50/32", on: "lo"))
    }

    @Test(arguments: ["0", "1"])
    func case45SecondariesSurviveTheirPrimary(promotes: String) throws {
        try site.a.run("sysctl -qw net.ipv4.conf.va1.promote_secondaries=\(promotes)")
        func agent(_ ip: String) -> Agent { Agent(site, ["ip": ip, "nic": "va1", "cidr_netmask": "24"]) }
        #expect(try agent("203.0.113.20").codes("start") == [0])
        #expect(try agent("203.0.113.21").codes("start") == [0])
        #expect(try agent("203.0.113.20").codes("stop") == [0])
        #expect(try !site.has("203.0.113.20/24", on: "va1") && site.has("203.0.113.21/24", on: "va1"))
        #expect(try agent("203.0.113.21").codes("monitor", "stop") == [0, 0])
    }

    @Test func case46BaseAddressGone() throws {
        let agent = Agent(site, ["cidr_netmask": "32"])
        #expect(try agent.codes("start") == [0])
        try site.a.run("ip address del 198.51.100.1/24 dev va0")
        let derived = Agent(site)
        #expect(try derived.codes("probe", "stop") == [0, 0])
        #expect(try !site.has("198.51.100.50/32"))
    }

    @Test func case47InterfaceSetDown() throws {
        let agent = Agent(site)
        #expect(try agent.codes("start") == [0])
        try site.a.run("ip link set va0 down")
        #expect(try agent.codes("stop") == [0])
        #expect(try !site.has("198.51.100.50/24"))
    }

    @Test func case49MissingNamespace() throws {
        let agent = Agent(site, ["network_namespace": "vervet-missing"])
        #expect(try agent.codes("start", "stop", "probe", "monitor", "meta-data") == [5, 0, 7, 7, 0])
        #expect(try agent.codes("validate-all") == [0])
        let deep = Agent(site, ["network_namespace": "vervet-missing"], variables: ["OCF_CHECK_LEVEL": "10"])
        #expect(try deep.codes("validate-all") == [5])
    }

    @Test(arguments: [["arp_count": "0"], ["arp_interval": "x"], ["arp_sender": "bogus"]])
    func case50BadAnnouncements(parameters: [String: String]) throws {
        #expect(try Agent(site, parameters).codes("start", "validate-all", "probe", "stop") == [6, 6, 7, 0])
        #expect(try !site.has("198.51.100.50/24"))
    }

    @Test func case54StopSilencesTheAnnouncer() throws {
        let agent = Agent(site, ["arp_count": "50", "arp_bg": "true"])
        let capture = try Capture("vb0", of: site.b, in: site)
        #expect(try agent.codes("start", "stop") == [0, 0])
        var stopped = timeval()
        gettimeofday(&stopped, nil)
        #expect(throws: SystemError.self) { try TextFile.read("\(site.directory)/send_arp-vip", limit: 64) }
        // The further rounds would have taken 10 s.
        _ = Site.wait(.seconds(1)) { false }
        let frames = try capture.frames().filter { $0.sender == "198.51.100.50" }
        let last = try #require(frames.last)
        let end = Double(stopped.tv_sec) + Double(stopped.tv_usec) / 1e6
        #expect(last.time <= end, "\(frames.count) frames")
    }

    @Test func case56ConcurrentStarts() async throws {
        let agent = Agent(site)
        let codes = try await withThrowingTaskGroup(of: CInt.self) { group in
            for _ in 0..<2 {
                group.addTask { try agent.call("start").code }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes == [0, 0])
        #expect(try site.addresses().filter { $0.contains("198.51.100.50/") }.count == 1)
    }

    @Test func case57OcfTester() throws {
        let outcome = try site.a.outcome(
            ["/usr/sbin/ocf-tester", "-n", "vip", "-o", "ip=198.51.100.50", "\(site.directory)/IPaddr2"],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HA_RSCTMP=\(site.directory)"],
            timeout: .seconds(120)
        )
        #expect(outcome.status.isSuccess && outcome.outputText.contains("passed all tests"), "\(outcome.outputText)")
    }

    @Test func case58ActionsThatAreNotOffered() throws {
        #expect(try Agent(site).codes("bogus", "promote", "notify", "reload") == [3, 3, 3, 3])
        #expect(try Agent(site, ["ip": ""]).codes("bogus") == [6])
    }

    @Test func case68BridgeWithPort() throws {
        try site.a.run("ip address flush dev va0")
        try site.a.run("ip link add br0 type bridge")
        try site.a.run("ip link set va0 master br0")
        try site.a.run("ip link set br0 up")
        try site.a.run("ip address add 198.51.100.1/24 brd 198.51.100.255 dev br0")
        let agent = Agent(site)
        let capture = try Capture("vb0", of: site.b, in: site)
        #expect(Site.wait { (try? agent.codes("start", "monitor")) == [0, 0] })
        #expect(try site.has("198.51.100.50/24", on: "br0"))
        _ = Site.wait(.seconds(1)) { false }
        let frames = try capture.frames().filter { $0.sender == "198.51.100.50" }
        let bridge = try site.a.run("ip -o link show br0")
        #expect(!frames.isEmpty && frames.allSatisfy { bridge.contains($0.senderHardware) })
        #expect(try agent.codes("stop") == [0])
    }
}
