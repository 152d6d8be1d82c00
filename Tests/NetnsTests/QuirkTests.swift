// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// Known defects and oddities of the reference agent, by their numbers in the project's list: mended or kept on purpose.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct QuirkTests {
    let site: Site
    let vip = "198.51.100.50/24"

    init() throws { site = try Site() }

    private func addIPv6Base() throws { try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad") }

    @Test func quirk01StopFindsTheAddressWithoutItsRoute() throws {
        #expect(try Agent(site, ["nic": "va0", "cidr_netmask": "32"]).codes("start") == [0])
        try site.a.run("ip address del 198.51.100.1/24 dev va0")
        #expect(try Agent(site).codes("probe", "monitor", "stop", "probe") == [0, 0, 0, 7])
        #expect(try !site.has("198.51.100.50/32"))
    }

    static let mistakes: [[String: String]] = [
        ["iflabel": "abcdefghijklmnop"], ["arp_count": "0"], ["arp_interval": "x"], ["arp_sender": "bogus"],
        ["send_arp_opts": "-D"], ["broadcast": "bad"], ["collision_exit": "x"], ["proto": "x"],
    ]

    @Test(arguments: mistakes)
    func quirk02And03MistakesNeitherFailAStopNorBanByProbe(parameters: [String: String]) throws {
        try site.a.run("ip address add 198.51.100.50/24 dev va0")
        let agent = Agent(site, parameters)
        let probe = try agent.call("probe").code
        // A label that is asked for and missing is a failure, not a wrong configuration.
        #expect(probe == 0 || (probe == 1 && parameters["iflabel"] != nil))
        #expect(try agent.codes("stop", "probe") == [0, 7])
        #expect(try !site.has(vip))
    }

    @Test func quirk04MissingNamespace() throws {
        #expect(try Agent(site, ["network_namespace": "vervet-none"]).codes("start", "stop", "probe") == [5, 0, 7])
    }

    @Test func quirk05FailedStartLeavesNothing() throws {
        try site.cutCable()
        let answer = try Agent(site).call("start")
        #expect(answer.code == 1 && answer.errors.contains("removed what was added"))
        #expect(try !site.has(vip))
    }

    @Test func quirk06AddressesAreComparedAsNumbers() throws {
        try addIPv6Base()
        try site.a.run("ip -6 address add 2001:db8:1::50/64 dev va0 nodad")
        #expect(try Agent(site, ["ip": "2001:0DB8:0001:0000::0050"]).codes("probe", "stop") == [0, 0])
        #expect(try !site.has("2001:db8:1::50/64"))
        #expect(try Agent(site, ["ip": "198.51.100.02"]).codes("start", "probe") == [5, 7])
    }

    @Test func quirk07AnotherPrefixIsAdoptedWithAWarning() throws {
        try site.a.run("ip address add 198.51.100.50/25 dev va0 noprefixroute")
        let agent = Agent(site)
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try agent.log.contains("WARNING:") && site.has("198.51.100.50/25"))
        #expect(try Agent(site, ["cidr_netmask": "24"]).codes("monitor") == [7])
        #expect(try agent.codes("stop") == [0])
        #expect(try !site.has("198.51.100.50/25"))
    }

    @Test func quirk08MetricDoesNotBeatThePrefix() throws {
        try site.a.run("ip route add 198.51.0.0/16 dev va1 metric 100")
        #expect(try Agent(site).codes("start") == [0])
        #expect(try site.has(vip))
    }

    @Test func quirk09StopEndsTheAnnouncer() throws {
        let agent = Agent(site, ["arp_count": "50", "arp_bg": "true"])
        #expect(try agent.codes("start") == [0])
        let word = try TextFile.read("\(site.directory)/send_arp-vip", limit: 64).split(whereSeparator: \.isWhitespace)
        let pid = try #require(word.first.flatMap { Int32($0) })
        #expect(kill(pid, 0) == 0)
        #expect(try agent.codes("stop") == [0])
        // Its parent has gone, so it may be a zombie until somebody reaps it; those have no command line.
        #expect((try? TextFile.read("/proc/\(pid)/cmdline", limit: 64))?.contains("IPaddr2") != true)
    }

    @Test func quirk09TheAnnouncerEndsAtOnceWhenTheAddressHasGone() throws {
        let file = "\(site.directory)/send_arp-vip"
        #expect(try Agent(site, ["arp_count": "50", "arp_interval": "60000"]).codes("start") == [0])
        #expect(access(file, F_OK) == 0)
        try site.a.run("ip address del 198.51.100.50/24 dev va0")
        #expect(Site.wait { access(file, F_OK) != 0 })
    }

    @Test func quirk10ARecordThatNamesAStrangerEndsNobody() throws {
        let bystander = try ChildProcess.start(["/bin/sleep", "60"])
        defer { _ = try? bystander.end() }
        try TextFile.write("\(site.directory)/send_arp-vip", "\(bystander.pid)\n1\n")
        #expect(try Agent(site).codes("start", "stop") == [0, 0])
        #expect(kill(bystander.pid, 0) == 0)
    }

    @Test func quirk11RefreshCountIsJudgedAtStart() throws {
        #expect(try Agent(site, ["arp_count_refresh": "x"]).codes("start", "validate-all", "monitor") == [6, 6, 7])
        #expect(try Agent(site).codes("start") == [0])
        #expect(try Agent(site, ["arp_count_refresh": "x"]).codes("monitor") == [0])
    }

    @Test func quirk12LinkIsCheckedUnderAnAlternativeName() throws {
        try site.a.run("ip link property add dev va0 altname vervetalternative0")
        let agent = Agent(site, ["nic": "vervetalternative0"])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        try site.cutCable()
        #expect(try agent.codes("monitor", "stop") == [7, 0])
    }

    @Test func quirk13StartSetsItsLinkUpFirst() throws {
        #expect(try Agent(site).codes("start") == [0])
        try site.a.run("ip link set va0 down")
        #expect(try Agent(site, ["nic": "va0", "cidr_netmask": "24"]).codes("start", "monitor") == [0, 0])
    }

    @Test func quirk14AnAddressAddedMeanwhileIsNoFailure() async throws {
        let agent = Agent(site)
        let codes = try await withThrowingTaskGroup(of: CInt.self) { group in
            for _ in 0..<4 {
                group.addTask { try agent.call("start").code }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes == [0, 0, 0, 0])
    }

    @Test func quirk15SecondariesStay() throws {
        func agent(_ ip: String) -> Agent { Agent(site, ["ip": ip, "nic": "va1", "cidr_netmask": "24"]) }
        for ip in ["203.0.113.20", "203.0.113.21", "203.0.113.22"] {
            #expect(try agent(ip).codes("start") == [0])
        }
        #expect(try agent("203.0.113.20").codes("stop") == [0])
        #expect(try site.has("203.0.113.21/24", on: "va1") && site.has("203.0.113.22/24", on: "va1"))
    }

    @Test func quirk16LabelOnIPv6IsIgnored() throws {
        try addIPv6Base()
        let agent = Agent(site, ["ip": "2001:db8:1::50", "iflabel": "web", "nodad": "true", "arp_count": "1"])
        #expect(try agent.codes("start", "monitor", "stop") == [0, 0, 0])
        #expect(agent.log.contains("is ignored: IPv6 addresses have none"))
    }

    @Test func quirk17LifetimeIsForIPv6AndJudged() throws {
        #expect(try Agent(site, ["preferred_lft": ""]).codes("start", "stop") == [0, 0])
        try addIPv6Base()
        let six = Agent(site, ["ip": "2001:db8:1::50", "preferred_lft": "soon"])
        #expect(try six.codes("validate-all", "start", "stop") == [6, 6, 0])
    }

    @Test func quirk19AnnouncementsAreBestEffort() throws {
        try addIPv6Base()
        try site.a.run("ip link set va0 arp off")
        let agent = Agent(site, ["ip": "2001:db8:1::50", "nodad": "true", "arp_count": "1"])
        #expect(try agent.codes("start", "monitor") == [0, 0])
    }

    @Test func quirk20DetectionIsNotWaitedForInWholeSeconds() throws {
        try addIPv6Base()
        try site.a.run("sysctl -qw net.ipv6.neigh.va0.retrans_time_ms=100")
        try site.a.run("sysctl -qw net.ipv6.conf.va0.router_solicitation_delay=0")
        let agent = Agent(site, ["ip": "2001:db8:1::50", "arp_count": "1"])
        // A busy machine may delay a start; it does not delay each of them.
        let isQuick = try (0..<20).contains { _ in
            let answer = try agent.call("start")
            #expect(try answer.code == 0 && agent.codes("stop") == [0])
            return answer.seconds < 1
        }
        #expect(isQuick)
    }

    @Test(.enabled(if: access("/usr/bin/strace", X_OK) == 0, "needs strace"))
    func quirk20DetectionIsWaitedForByNotificationsWithoutPolling() throws {
        try addIPv6Base()
        let file = "\(site.directory)/strace-dad"
        var agent = Agent(site, ["ip": "2001:db8:1::50", "arp_count": "1"])
        agent.wrapper = ["/usr/bin/strace", "-qq", "-e", "trace=sendto,nanosleep,clock_nanosleep,poll", "-o", file]
        let answer = try agent.call("start")
        #expect(answer.code == 0 && answer.seconds > 0.9)
        let calls = try TextFile.read(file, limit: 1 << 20).split(separator: "\n")
        // Links, addresses and routes, the address, then links and addresses for each event that matters.
        #expect(calls.count { $0.hasPrefix("sendto(") } < 12)
        #expect(calls.count { $0.hasPrefix("poll(") } < 12)
        #expect(calls.allSatisfy { !$0.contains("nanosleep") })
    }

    @Test func quirk21BroadcastOfTheBaseAddressIsInherited() throws {
        #expect(try Agent(site, ["cidr_netmask": "28"]).codes("start") == [0])
        #expect(try site.addresses().contains { $0.contains("198.51.100.50/28 brd 198.51.100.255") })
    }

    @Test func quirk23ASecondStartIsSilent() throws {
        #expect(try Agent(site, ["arp_count": "1"]).codes("start") == [0])
        let capture = try Capture("vb0", of: site.b, in: site)
        #expect(try Agent(site).codes("start") == [0])
        #expect(try capture.frames().isEmpty)
    }

    @Test func quirk24ProbeOfAClone() throws {
        let agent = Agent(
            site,
            variables: ["OCF_RESKEY_CRM_meta_clone_max": "2", "OCF_RESKEY_CRM_meta_clone": "1"]
        )
        #expect(try agent.codes("probe") == [7])
    }

    @Test func quirk26And27CodesOfMistakes() throws {
        #expect(try Agent(site, ["ip": "not_ip"]).codes("start", "validate-all") == [5, 6])
        #expect(try Agent(site, ["nic": "nonic"]).codes("monitor") == [1])
        #expect(try Agent(site, ["nic": "nonic", "cidr_netmask": "24"]).codes("monitor") == [7])
    }

    @Test func quirk28LabelInTheInterfaceIsDeprecated() throws {
        let agent = Agent(site, ["nic": "va0:web"])
        #expect(try agent.codes("start", "monitor", "stop") == [0, 0, 0])
        #expect(agent.log.components(of: "a label in nic is deprecated") == 1)
    }

    @Test func quirk29OtherWordsAreFalse() throws {
        try site.cutCable()
        #expect(try Agent(site, ["check_link_status": "Yes"]).codes("start") == [0])
    }

    @Test func quirk30StopSaysNothing() throws {
        #expect(try Agent(site, ["arp_count": "1"]).codes("start") == [0])
        let capture = try Capture("vb0", of: site.b, in: site)
        #expect(try Agent(site).codes("stop") == [0])
        #expect(try capture.frames().isEmpty)
    }

    @Test func quirk31TheAnnouncerHoldsNoPipe() throws {
        // The caller of this test reads both pipes to their ends.
        let agent = Agent(site, ["arp_count": "30", "arp_interval": "1000", "arp_bg": "true"])
        let answer = try agent.call("start")
        #expect(answer.code == 0 && answer.seconds < 29)
        #expect(access("\(site.directory)/send_arp-vip", F_OK) == 0)
        #expect(try agent.codes("stop") == [0])
    }

    /// The programs that an action executes, itself included, and the processes that it makes.
    private func made(_ action: String, _ parameters: [String: String]) throws -> (programs: Int, processes: Int) {
        let file = "\(site.directory)/strace-\(action)"
        var agent = Agent(site, parameters)
        let calls = "trace=execve,execveat,fork,vfork,clone,clone3"
        agent.wrapper = ["/usr/bin/strace", "-f", "-qq", "-e", calls, "-o", file]
        #expect(try agent.codes(action) == [0])
        let lines = try TextFile.read(file, limit: 1 << 20).split(separator: "\n")
        return (lines.count { $0.contains("execve") }, lines.count { $0.contains("fork(") || $0.contains("clone") })
    }

    @Test(.enabled(if: access("/usr/bin/strace", X_OK) == 0, "needs strace"))
    func quirk34NoOtherProgramIsExecutedAndOnlyTheBackgroundAnnouncerIsForked() throws {
        let background = ["arp_bg": "true", "arp_count": "3", "arp_interval": "20"]
        #expect(try made("start", background) == (1, 1))
        #expect(try made("monitor", background) == (1, 0))
        #expect(try made("stop", background) == (1, 0))
        #expect(try made("start", ["arp_bg": "false", "arp_count": "1"]) == (1, 0))
        #expect(try made("stop", [:]) == (1, 0))
    }

    @Test func quirk35LoopbackCopyComesBackWithItsScope() throws {
        try site.a.run("ip address add 198.51.100.50/32 dev lo scope host")
        #expect(try Agent(site, ["lvs_support": "true"]).codes("start", "stop") == [0, 0])
        let line = try #require(try site.addresses("lo").first { $0.contains("198.51.100.50/32") })
        #expect(line.contains("brd 255.255.255.255") && line.contains("scope host"))
    }

    @Test func quirk36NetworkAddressIsAcceptedWithAWarning() throws {
        let agent = Agent(site, ["ip": "198.51.100.255"])
        #expect(try agent.codes("start", "monitor", "stop") == [0, 0, 0])
        #expect(agent.log.contains("may be the network or broadcast address"))
    }

    @Test func quirk37CopiesElsewhereAreNotJudged() throws {
        try site.a.run("ip address add 198.51.100.50/24 dev va1")
        try site.a.run("ip link set va1 down")
        let agent = Agent(site, ["nic": "va0", "cidr_netmask": "24", "iflabel": "web"])
        #expect(try agent.codes("start", "monitor", "stop") == [0, 0, 0])
        #expect(try site.has(vip, on: "va1"))
    }

    @Test func quirk38BroadcastOfIPv6IsIgnored() throws {
        try addIPv6Base()
        let agent = Agent(
            site,
            ["ip": "2001:db8:1::50", "broadcast": "198.51.100.255", "nodad": "true", "arp_count": "1"]
        )
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(agent.log.contains("is ignored: IPv6 has none"))
    }

    @Test func quirk41MonitorAndStopWithoutThePrefixOfTheStart() throws {
        #expect(try Agent(site, ["cidr_netmask": "28"]).codes("start") == [0])
        #expect(try Agent(site).codes("monitor", "stop") == [0, 0])
        #expect(try !site.has("198.51.100.50/28"))
    }

    @Test func quirk42AProbeSeesAnAddressWithoutLink() throws {
        #expect(try Agent(site).codes("start") == [0])
        try site.cutCable()
        #expect(try Agent(site).codes("probe", "monitor", "stop", "probe") == [1, 7, 0, 7])
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(of text: String) -> Int {
        split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
