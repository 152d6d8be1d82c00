// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// IPaddr2 on the real kernel: clones, address labels, sender options, traces.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct AddressOptionTests {
    let site: Site

    init() throws { site = try Site() }

    private func clone(_ number: String, _ ip: String, unique: String = "true") -> Agent {
        Agent(
            site,
            ["ip": ip, "unique_clone_address": "true"],
            variables: [
                "OCF_RESKEY_CRM_meta_globally_unique": unique, "OCF_RESKEY_CRM_meta_clone": number,
                "OCF_RESKEY_CRM_meta_clone_max": "3", "OCF_RESOURCE_INSTANCE": "vip:\(number)",
            ]
        )
    }

    /// The IPv6 addresses of a fresh device change by themselves.
    @Test func case51CloneAddress() throws {
        let agent = clone("2", "198.51.100.60")
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try site.has("198.51.100.62/24") && !site.has("198.51.100.60/24"))
        #expect(try clone("1", "198.51.100.60").codes("probe") == [7])
        #expect(try agent.codes("stop", "probe") == [0, 7])
        #expect(try !site.has("198.51.100.62/24"))
    }

    @Test func case52CloneAddressOverflows() throws {
        let before = try site.ipv4Addresses()
        #expect(try clone("2", "198.51.100.254").codes("start", "validate-all", "probe", "stop") == [5, 6, 7, 0])
        #expect(try clone("x", "198.51.100.60").codes("start") == [5])
        #expect(try clone("1", "2001:db8::1").codes("start") == [5])
        #expect(try site.ipv4Addresses() == before)
    }

    @Test func case53CloneAddressNeedsUniqueness() throws {
        #expect(try clone("2", "198.51.100.60", unique: "false").codes("start", "validate-all", "stop") == [6, 6, 0])
    }

    @Test func quirk40ClonedAddressOnLoopbackIsPlain() throws {
        let agent = Agent(
            site,
            ["nic": "lo", "cidr_netmask": "32"],
            variables: ["OCF_RESKEY_CRM_meta_clone_max": "2", "OCF_RESKEY_CRM_meta_clone": "1"]
        )
        #expect(try agent.codes("start", "monitor", "stop", "probe") == [0, 0, 0, 7])
    }

    @Test func senderOptionsAreHonoured() throws {
        let capture = try Capture("vb0", of: site.b, in: site)
        let agent = Agent(site, ["send_arp_opts": "-A -r 3 -i 20", "arp_bg": "false"])
        #expect(try agent.codes("start") == [0])
        let frames = try capture.frames().filter { $0.sender == "198.51.100.50" }
        #expect(frames.map(\.operation) == ["2", "2", "2"])
        #expect(try agent.codes("stop") == [0])
        let refused = Agent(site, ["send_arp_opts": "-p /tmp/x"])
        #expect(try refused.codes("start", "validate-all", "probe", "stop") == [6, 6, 7, 0])
        #expect(try refused.call("start").errors.contains("its own record of the announcer"))
    }

    private func labels() throws -> Bool { try site.a.run("ip addrlabel list").contains("2001:db8:1::50/128") }

    @Test func addressLabelComesAndGoes() throws {
        try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad")
        let agent = Agent(site, ["ip": "2001:db8:1::50", "nodad": "true", "arp_count": "1"])
        #expect(try agent.codes("start") == [0])
        #expect(try site.a.run("ip addrlabel list").contains("prefix 2001:db8:1::50/128 label 99"))
        #expect(try agent.codes("stop") == [0])
        #expect(try !labels())
        var other = agent
        other.parameters["lvs_ipv6_addrlabel"] = "false"
        #expect(try other.codes("start") == [0])
        #expect(try !labels())
        #expect(try other.codes("stop") == [0])
    }

    @Test func quirk18NoLabelIsLeftAfterADuplicate() throws {
        try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad")
        try site.b.run("ip -6 address add 2001:db8:1::50/64 dev vb0 nodad")
        let agent = Agent(site, ["ip": "2001:db8:1::50"])
        #expect(try agent.codes("start") == [1])
        #expect(try !labels() && !site.has("2001:db8:1::50/64"))
    }

    @Test func quirk22CollisionExit() throws {
        try site.b.run("ip address add 198.51.100.50/24 dev vb0")
        #expect(try Agent(site, ["run_arping": "true", "collision_exit": "installed"]).codes("start") == [5])
        #expect(try Agent(site, ["collision_exit": "maybe"]).codes("start") == [6])
        try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad")
        try site.b.run("ip -6 address add 2001:db8:1::50/64 dev vb0 nodad")
        #expect(try Agent(site, ["ip": "2001:db8:1::50", "collision_exit": "installed"]).codes("start") == [5])
    }

    @Test func traceGoesWhereTheClusterShellLooks() throws {
        let agent = Agent(site, ["trace_ra": "1", "trace_dir": "\(site.directory)/trace"])
        #expect(try agent.codes("start", "monitor", "stop") == [0, 0, 0])
        let files = try site.a.run("find \(site.directory)/trace/IPaddr2 -type f").split(separator: "\n")
        #expect(files.count == 3)
        let start = try #require(files.first { $0.contains("/vip.start.20") })
        let text = try TextFile.read(String(start), limit: 65536)
        #expect(text.contains("environment: OCF_RESKEY_ip=198.51.100.50"))
        #expect(text.contains("INFO: adding 198.51.100.50/24 to va0") && text.contains("exit: 0"))
        let other = Agent(site, variables: ["OCF_TRACE_RA": "1", "OCF_TRACE_FILE": "\(site.directory)/one"])
        #expect(try other.codes("probe") == [7])
        #expect(try TextFile.read("\(site.directory)/one", limit: 65536).contains("exit: 7"))
    }

    @Test func reloadChangesThePreferredLifetimeInPlace() throws {
        try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad")
        let base = ["ip": "2001:db8:1::50", "nodad": "true", "arp_count": "1", "noprefixroute": "true"]
        func agent(_ lifetime: String?) -> Agent {
            Agent(site, base.merging(lifetime.map { ["preferred_lft": $0] } ?? [:]) { $1 })
        }
        func line() throws -> String {
            try #require(try site.addresses().first { $0.contains("2001:db8:1::50/64") })
        }
        #expect(try agent(nil).codes("start") == [0])
        let monitor = try ChildProcess.start(
            site.a.command(["/bin/sh", "-c", "exec ip monitor address >\(site.directory)/events"])
        )
        monitor.settle()
        #expect(try agent("0").codes("reload-agent", "monitor") == [0, 0])
        #expect(try line().contains("deprecated") && line().contains("nodad") && line().contains("noprefixroute"))
        #expect(try agent("1000").codes("reload-agent") == [0])
        #expect(try !line().contains("deprecated") && line().contains("preferred_lft 1000sec"))
        #expect(try agent(nil).codes("reload-agent", "monitor") == [0, 0])
        #expect(try line().contains("valid_lft forever preferred_lft forever"))
        #expect(try agent("soon").codes("reload-agent", "stop", "reload-agent") == [6, 0, 6])
        #expect(try agent("0").codes("reload-agent") == [0])
        _ = try monitor.end()
        // It was never away while it was reloaded; the one deletion is that of stop.
        let events = try TextFile.read("\(site.directory)/events", limit: 65536)
        #expect(events.split(separator: "Deleted").count == 2)
    }

    @Test func reloadLeavesTheAddressAlone() throws {
        #expect(try Agent(site, ["arp_count": "1"]).codes("start") == [0])
        let before = try site.ipv4Addresses()
        let capture = try Capture("vb0", of: site.b, in: site)
        let changed = Agent(
            site,
            [
                "arp_count": "9", "arp_interval": "50", "arp_count_refresh": "2", "arp_bg": "false",
                "arp_sender": "send_arp",
                "send_arp_opts": "-U", "run_arping": "true", "flush_routes": "true", "check_link_status": "false",
            ]
        )
        #expect(try changed.codes("reload-agent") == [0])
        #expect(try site.ipv4Addresses() == before && capture.frames().isEmpty)
        // From now on the monitor that is configured anew refreshes.
        let second = try Capture("vb0", of: site.b, in: site)
        #expect(try changed.codes("monitor") == [0])
        #expect(try second.frames().map(\.operation) == ["1", "1"])
        #expect(try changed.codes("stop") == [0])
    }
}
