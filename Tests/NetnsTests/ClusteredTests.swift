// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

extension Trait where Self == ConditionTrait {
    /// Runs only where nft(8) is installed; the reason is printed otherwise.
    static var needsNft: Self { .enabled(if: access("/usr/sbin/nft", X_OK) == 0, "needs nftables") }
}

/// An address that both directors of a site hold, each answering its own clients; a bridge connects them to a client.
@Suite(.needsRoot, .needsNft, .timeLimit(.minutes(10))) struct ClusteredTests {
    /// The directors' part is A of the site; its B is the switch.
    let site: Site
    let second: NetworkNamespace
    let client: NetworkNamespace
    let vip = "198.51.100.50"
    let table = "IPaddr2_198_51_100_50"

    init() throws {
        site = try Site()
        second = try NetworkNamespace()
        client = try NetworkNamespace()
        try site.b.run("ip link add br0 type bridge")
        try site.b.run("ip link set br0 up")
        for (name, host) in [("va0", second), ("eth0", client)] {
            try host.run("ip link add \(name) type veth peer name port\(name) netns \(site.b.path)")
            try host.run("ip link set \(name) up")
            try site.b.run("ip link set port\(name) up master br0")
        }
        try site.b.run("ip link set vb0 master br0")
        try second.run("ip address add 198.51.100.2/24 brd 198.51.100.255 dev va0")
        try client.run("ip address add 198.51.100.100/24 dev eth0")
    }

    private func agent(
        _ clone: Int,
        on host: NetworkNamespace? = nil,
        of clones: Int = 2,
        _ parameters: [String: String] = [:]
    ) -> Agent {
        var agent = Agent(
            site,
            ["clusterip_hash": "sourceip"].merging(parameters) { $1 },
            variables: [
                "OCF_RESKEY_CRM_meta_clone": "\(clone)", "OCF_RESKEY_CRM_meta_clone_max": "\(clones)",
                "OCF_RESKEY_CRM_meta_globally_unique": "true",
            ]
        )
        agent.host = host
        agent.runtime = "\(site.directory)/\(host == nil ? "d1" : "d2")"
        return agent
    }

    private func rules(_ host: NetworkNamespace? = nil) throws -> String {
        try (host ?? site.a).run("nft list ruleset")
    }

    private func count(_ text: String, in whole: String) -> Int {
        whole.split(separator: text, omittingEmptySubsequences: false).count - 1
    }

    /// The hardware address of a director's device.
    private func hardware(_ host: NetworkNamespace) throws -> String {
        let words = try host.run("ip -o link show va0").split(whereSeparator: \.isWhitespace)
        return String(words[try #require(words.firstIndex(of: "link/ether")) + 1])
    }

    /// For each of the client's addresses the hardware addresses that its ping was answered from.
    private func answers(from sources: ClosedRange<Int>) throws -> [String: [String]] {
        let file = "\(site.directory)/echo.pcap"
        let capture = try ChildProcess.start(
            client.command([
                "/usr/bin/tcpdump", "-i", "eth0", "-n", "-U", "-Z", "root", "--immediate-mode", "-w", file,
                "icmp[icmptype]=icmp-echoreply",
            ])
        )
        #expect(Site.wait { (try? TextFile.read(file, limit: 24))?.utf8.isEmpty == false })
        for number in sources {
            _ = try client.outcome(["/usr/bin/ping", "-n", "-c", "1", "-W", "1", "-I", "198.51.100.\(number)", vip])
        }
        capture.settle()
        _ = try capture.end()
        let text = try ChildProcess.run(
            ["/usr/bin/tshark", "-r", file, "-T", "fields", "-e", "ip.dst", "-e", "eth.src"],
            timeout: .seconds(120),
            limit: 1 << 20
        ).outputText
        unlink(file)
        var found: [String: [String]] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.count == 2 {
                found[words[0], default: []].append(words[1])
            }
        }
        return found
    }

    @Test func everyClientIsAnsweredByExactlyOneDirector() throws {
        for number in 101...132 {
            try client.run("ip address add 198.51.100.\(number)/24 dev eth0")
        }
        let mangled = ["clusterip_mac_mangle": "true"]
        let (one, two) = (agent(0, mangled), agent(1, on: second, mangled))
        #expect(try one.codes("start", "monitor") == [0, 0])
        #expect(try two.codes("start", "monitor") == [0, 0])
        #expect(try site.has("\(vip)/24") && site.has("\(vip)/24", of: second))

        let shared = try answers(from: 101...132)
        #expect(shared.count == 32 && shared.values.allSatisfy { $0.count == 1 }, "\(shared)")
        let owners = Dictionary(grouping: shared.values.compactMap(\.first)) { $0 }.mapValues(\.count)
        #expect(Set(owners.keys) == [try hardware(site.a), try hardware(second)], "\(owners)")
        #expect(owners.values.allSatisfy { $0 >= 6 }, "\(owners)")
        // What the client knows is the multicast address, from both.
        let neighbour = try client.run("ip neigh show \(vip)")
        let joined = try site.a.run("ip maddress show dev va0")
        let shown = try #require(neighbour.split(separator: " ").first { $0.split(separator: ":").count == 6 })
        #expect(
            joined.contains(shown) && ["1", "3", "5", "7", "9", "b", "d", "f"].contains(shown.dropFirst(1).prefix(1))
        )

        // The second leaves: its clients wait until the first takes its bucket too.
        #expect(try two.codes("stop", "probe") == [0, 7])
        #expect(try !site.has("\(vip)/24", of: second) && rules(second).isEmpty)
        let half = try answers(from: 101...132)
        #expect(half.count == owners[try hardware(site.a)])
        #expect(try agent(1, mangled).codes("start", "monitor") == [0, 0])
        let whole = try answers(from: 101...132)
        #expect(whole.count == 32 && whole.values.allSatisfy { $0.count == 1 })
        #expect(try one.codes("monitor", "stop", "probe") == [0, 0, 7])
        #expect(try agent(1, mangled).codes("monitor", "stop", "probe") == [0, 0, 7])
        #expect(try rules().isEmpty && !site.has("\(vip)/24"))
        #expect(try !site.a.run("ip maddress show dev va0").contains(shown))
    }

    @Test func tcpConnectionsAreTakenToo() throws {
        #expect(try agent(0, of: 1000, ["clusterip_hash_seed": "0"]).codes("validate-all") == [0])
        // With two buckets on one director every client is its own.
        let mac = ["mac": "01:00:5e:01:02:03", "clusterip_mac_mangle": "yes"]
        #expect(try agent(0, mac).codes("start") == [0])
        #expect(try agent(1, mac).codes("start") == [0])
        let server = try ChildProcess.start(
            site.a.command(["/usr/bin/python3", "-m", "http.server", "--bind", vip, "8080"])
        )
        defer { _ = try? server.end() }
        #expect(
            try Site.wait {
                try client.outcome(["/usr/bin/curl", "-sf", "-m", "2", "http://\(vip):8080/"]).status.isSuccess
            }
        )
        #expect(try client.run("ip neigh show \(vip)").contains("01:00:5e:01:02:03"))
    }

    @Test func startsAndStopsInAnyOrder() throws {
        #expect(try agent(1, of: 3).codes("start", "start") == [0, 0])
        #expect(try agent(0, of: 3).codes("start") == [0])
        #expect(try agent(2, of: 3).codes("start") == [0])
        #expect(try count("cip-node-", in: rules()) == 3)
        #expect(try agent(1, of: 3).codes("stop", "stop") == [0, 0])
        #expect(try agent(0, of: 3).codes("monitor") == [0])
        #expect(try agent(1, of: 3).codes("start", "monitor") == [0, 0])
        for clone in [2, 0, 1] {
            #expect(try agent(clone, of: 3).codes("stop", "probe", "stop") == [0, 7, 0])
        }
        #expect(try rules().isEmpty && !site.has("\(vip)/24"))
        #expect(access("\(site.directory)/d1/IPaddr2-CIP-\(vip)", F_OK) != 0)
    }

    @Test func startsAtOnceDoNotDisturbOneAnother() async throws {
        let answers = try await withThrowingTaskGroup(of: Agent.Answer.self) { group in
            for clone in 0..<4 {
                group.addTask { try agent(clone, of: 4).call("start") }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.map(\.code) == [0, 0, 0, 0], "\(answers.map(\.errors))")
        let whole = try rules()
        #expect(count("cip-node-", in: whole) == 4 && count("table ip ", in: whole) == 1)
        #expect(try site.addresses().filter { $0.contains("\(vip)/") }.count == 1)
    }

    @Test func quirk24ProbeOfABucketElsewhereIsNotRunning() throws {
        #expect(try agent(0).codes("start") == [0])
        #expect(try agent(1).codes("probe", "status", "monitor") == [7, 7, 1])
        #expect(try agent(0).codes("probe", "status", "monitor") == [0, 0, 0])
    }

    @Test func aMissingFilterIsAFailureAndMended() throws {
        #expect(try agent(0).codes("start") == [0])
        try site.a.run("nft delete table ip \(table)")
        #expect(try agent(0).codes("monitor", "probe", "status") == [1, 1, 7])
        #expect(try agent(0).codes("start", "monitor") == [0, 0])
        try site.a.run("nft flush chain ip \(table) prerouting")
        #expect(try agent(0).codes("monitor", "start", "monitor") == [1, 0, 0])
        #expect(try rules().contains("drop comment \"cip-drop-2\""))
        // The clone has grown: sharing among two is wrong now.
        #expect(try agent(0, of: 3).codes("monitor", "start", "monitor") == [1, 0, 0])
        #expect(try rules().contains("mod 3") && !rules().contains("mod 2"))
        #expect(try agent(0).codes("start", "monitor") == [0, 0])
        try site.a.run("nft delete table ip \(table)")
        #expect(try agent(0).codes("stop", "probe") == [0, 7])
        #expect(try !site.has("\(vip)/24"))
    }

    @Test func whatIsLeftFromBeforeIsReplaced() throws {
        try site.a.run("nft add table ip \(table)")
        try site.a.run("nft add chain ip \(table) prerouting { type filter hook prerouting priority mangle ; }")
        #expect(try agent(0).codes("probe", "stop", "start", "monitor") == [7, 0, 0, 0])
        #expect(try count("cip-node-", in: rules()) == 1)
    }

    @Test(.enabled(if: access("/usr/bin/strace", X_OK) == 0, "needs strace"))
    func nftIsTheOnlyProgramAndMonitorStartsNone() throws {
        func programs(_ action: String) throws -> [String] {
            let file = "\(site.directory)/strace-\(action)"
            var agent = agent(0)
            agent.wrapper = ["/usr/bin/strace", "-f", "-qq", "-e", "trace=execve", "-o", file]
            #expect(try agent.codes(action) == [0])
            let lines = try TextFile.read(file, limit: 1 << 20).split(separator: "\n")
            return lines.filter { $0.contains("execve(") }.dropFirst().map(String.init)
        }
        let start = try programs("start")
        #expect(
            start.count == 1 && start[0].contains("execve(\"/usr/sbin/nft\", [\"/usr/sbin/nft\", \"-f\", \"-\"]"),
            "\(start)"
        )
        #expect(try programs("monitor").isEmpty && programs("start").isEmpty)
        #expect(try programs("stop").count == 1 && programs("stop").isEmpty)
    }

    @Test func nothingIsAnnounced() throws {
        let capture = try Capture("eth0", of: client, in: site)
        #expect(try agent(0, ["arp_count_refresh": "2"]).codes("start", "monitor", "stop") == [0, 0, 0])
        #expect(try capture.frames().filter { $0.sender == vip }.isEmpty)
    }

    @Test func withoutNftOnlyAStartFails() throws {
        func blind(_ clone: Int) -> Agent {
            var agent = agent(clone)
            agent.variables["OCF_TESTER_FAIL_HAVE_BINARY"] = "1"
            return agent
        }
        #expect(try blind(0).codes("probe", "start", "stop") == [7, 5, 0])
        #expect(try blind(0).call("start").errors.contains("install nftables"))
        #expect(try !site.has("\(vip)/24"))
        #expect(try agent(0).codes("start") == [0])
        #expect(try blind(0).codes("start", "monitor", "stop", "probe") == [0, 0, 0, 7])
        #expect(try !site.has("\(vip)/24"))
        // A bucket that another node is about to take cannot be kept.
        #expect(try agent(0).codes("start") == [0])
        #expect(try agent(1).codes("start") == [0])
        #expect(try blind(1).codes("stop") == [1])
        #expect(try agent(1).codes("stop") == [0])
    }

    @Test func aStartWithoutCarrierLeavesNothing() throws {
        try site.cutCable()
        #expect(try agent(0).codes("start") == [1])
        #expect(try !site.has("\(vip)/24") && rules().isEmpty)
        #expect(try agent(0, ["check_link_status": "false"]).codes("start", "stop") == [0, 0])
    }

    @Test func ipv6IsSharedToo() throws {
        let address = "2001:db8:1::50"
        for (number, host) in [(1, site.a), (2, second), (100, client), (101, client), (102, client), (103, client)] {
            try host.run("ip -6 address add 2001:db8:1::\(number)/64 dev \(host === client ? "eth0" : "va0") nodad")
        }
        let (one, two) = (agent(0, ["ip": address]), agent(1, on: second, ["ip": address]))
        #expect(try one.codes("start", "monitor") == [0, 0])
        #expect(try two.codes("start", "monitor") == [0, 0])
        #expect(try rules().contains("jhash ip6 saddr mod 2"))
        let joined = try site.a.run("ip maddress show dev va0").split(separator: "\n").first { $0.contains("static") }
        let mac = try #require(joined?.split(separator: " ").dropFirst(1).first)
        #expect(mac.hasPrefix("33:33:"))
        #expect(try second.run("ip maddress show dev va0").contains("\(mac) static"))
        try client.run("ip -6 neigh add \(address) lladdr \(mac) dev eth0")
        for number in 100...103 {
            let ping = try client.run("ping -6 -n -c 1 -W 2 -I 2001:db8:1::\(number) \(address)")
            #expect(ping.contains("1 received") && !ping.contains("DUP"))
        }
        #expect(try one.codes("stop", "probe") == [0, 7])
        #expect(try two.codes("stop", "probe") == [0, 7])
        #expect(try rules().isEmpty && !site.a.run("ip addrlabel list").contains(address))
    }

    static let mistakes: [[String: String]] = [
        ["mac": "00:01:02:03:04:05"], ["mac": "01:02:03"], ["mac": "x"], ["clusterip_hash": "random"],
        ["clusterip_hash_seed": "-1"], ["clusterip_hash_seed": "0x"], ["clusterip_hash_seed": "0x-1"],
        ["clusterip_hash_seed": "4294967296"], ["clusterip_firewall": "iptables"], ["clusterip_firewall": "pf"],
        ["lvs_support": "true"], ["ip": "2001:db8:1::50", "clusterip_mac_mangle": "true"],
    ]

    @Test(arguments: mistakes) func mistakesAreNamed(parameters: [String: String]) throws {
        let agent = agent(0, parameters)
        let answer = try agent.call("start")
        #expect(answer.code == 6 && count("ocf-exit-reason:", in: answer.errors) == 1, "\(answer)")
        #expect(try agent.codes("validate-all", "probe", "stop") == [6, 7, 0])
        #expect(try rules().isEmpty)
    }

    @Test func cloneNumbersAreJudged() throws {
        #expect(try agent(2).codes("start", "validate-all", "probe", "stop") == [6, 6, 7, 0])
        #expect(try agent(0, of: 0).codes("start", "stop") == [6, 0])
        let capped = agent(0, ["clusterip_hash": "sourceip-sourceport", "clusterip_table": "raw"])
        #expect(try capped.codes("start", "stop") == [0, 0])
        #expect(capped.log.contains("as with sourceip") && capped.log.contains("clusterip_table has no effect"))
    }
}
