// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// Many addresses in one IPaddr2 on the real kernel; how long they take is measured by the benchmark, on a release build.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct ManyAddressesTests {
    let site: Site

    init() throws { site = try Site() }

    private func agent(_ ips: String, _ parameters: [String: String] = [:]) -> Agent {
        Agent(site, ["ip": "", "ips": ips].merging(parameters) { $1 })
    }

    private func count(_ device: String = "va0") throws -> Int {
        try site.addresses(device).count { !$0.contains("198.51.100.1/24") && !$0.contains("fe80::") }
    }

    @Test func case64And65AThousand() throws {
        let ips = (0..<10).map { "10.9.\($0).1-100/16%va0" }.joined(separator: " ")
        let agent = agent(ips, ["arp_rate": "10000", "arp_interval": "500", "arp_count": "2"])
        let capture = try Capture("vb0", of: site.b, in: site)
        let start = try agent.call("start")
        #expect(start.code == 0, "\(start.errors)")
        #expect(try count() == 1000)
        let monitor = try agent.call("monitor")
        #expect(monitor.code == 0)
        #expect(Site.wait { access("\(site.directory)/send_arp-vip", F_OK) != 0 })
        let frames = try capture.frames()
        #expect(frames.count == 4000 && Set(frames.map(\.sender)).count == 1000)
        #expect(Set(frames.prefix(1000).map(\.sender)).count == 1000, "the first round is complete before any repeat")

        try site.a.run("ip address del 10.9.7.33/16 dev va0")
        let partial = try agent.call("monitor")
        #expect(partial.code == 1 && partial.errors.contains("1 of 1000 addresses are not configured here: 10.9.7.33"))
        #expect(try agent.codes("probe", "status") == [1, 7])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try count() == 1000)
        let stop = try agent.call("stop")
        #expect(stop.code == 0, "\(stop.errors)")
        #expect(try count() == 0 && site.has("198.51.100.1/24"))
        #expect(try agent.codes("stop", "monitor", "probe") == [0, 7, 7])
    }

    @Test func stopRemovesAPartialSetAndEndsTheAnnouncer() throws {
        let agent = agent("198.51.100.50-69")
        #expect(try agent.codes("start") == [0])
        #expect(try count() == 20)
        #expect(access("\(site.directory)/send_arp-vip", F_OK) == 0)
        try site.a.run("ip address del 198.51.100.55/24 dev va0")
        #expect(try agent.codes("stop") == [0])
        #expect(access("\(site.directory)/send_arp-vip", F_OK) != 0)
        let capture = try Capture("vb0", of: site.b, in: site)
        usleep(400_000)
        #expect(try capture.frames().isEmpty)
        #expect(try count() == 0)
    }

    @Test func theAnnouncerEndsWhenTheAddressesAreGone() throws {
        #expect(try agent("198.51.100.50-69", ["arp_count": "100"]).codes("start") == [0])
        try site.a.run("ip address flush dev va0")
        #expect(Site.wait { access("\(site.directory)/send_arp-vip", F_OK) != 0 })
    }

    @Test func overlapsAndIpBesideIps() throws {
        let agent = Agent(site, ["ips": "198.51.100.50-52,198.51.100.51-53 198.51.100.50"])
        #expect(try agent.codes("start", "monitor", "start") == [0, 0, 0])
        #expect(try count() == 4)
        #expect(try agent.codes("stop") == [0])
        #expect(try count() == 0)
    }

    @Test func aFailureAtTheLastAddressTakesAllBack() throws {
        // The last one belongs to another host.
        try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad")
        try site.b.run("ip -6 address add 2001:db8:1::63/64 dev vb0 nodad")
        let agent = agent("198.51.100.50-69 2001:db8:1::50-63")
        let start = try agent.call("start")
        #expect(start.code == 1 && start.errors.contains("2001:db8:1::63"), "\(start.errors)")
        #expect(try count() == 1 && site.has("2001:db8:1::1/64"))
        #expect(try agent.codes("probe", "stop") == [7, 0])
    }

    @Test func aRefusalByTheKernelTakesAllBack() throws {
        // ff02::1 is an address to the parser, but none that an interface may have.
        let agent = agent("198.51.100.50-69 ff02::5/64", ["nic": "va0"])
        let start = try agent.call("start")
        #expect(start.code == 1 && start.errors.contains("ff02::5"), "\(start.errors)")
        #expect(try count() == 0 && site.has("198.51.100.1/24"))
        #expect(try agent.codes("probe", "stop") == [7, 0])
    }

    @Test func otherSecondaryAddressesSurvive() throws {
        try site.a.run("sysctl -qw net.ipv4.conf.va1.promote_secondaries=0 net.ipv4.conf.all.promote_secondaries=0")
        let agent = agent("203.0.113.20-29/24%va1")
        #expect(try agent.codes("start") == [0])
        try site.a.run("ip address add 203.0.113.99/24 dev va1")
        #expect(try agent.codes("stop") == [0])
        #expect(
            try site.ipv4Addresses("va1").map { $0.prefix(20) } == ["inet 203.0.113.99/24"]
        )
    }

    @Test func quirk25DuplicateProbeOfAllAtOnce() throws {
        let agent = agent("198.51.100.50-149", ["run_arping": "true"])
        let free = try agent.call("start")
        #expect(free.code == 0 && free.seconds > 1.9)
        #expect(try agent.codes("stop") == [0])
        try site.b.run("ip address add 198.51.100.140/24 dev vb0")
        let taken = try agent.call("start")
        #expect(taken.code == 1)
        #expect(taken.errors.contains("has 198.51.100.140 already"))
        #expect(try count() == 0)
    }

    @Test func detectionForAllIPv6AddressesAtOnce() throws {
        try site.a.run("ip -6 address add 2001:db8:1::1/64 dev va0 nodad")
        let agent = agent("hosts:2001:db8:1::ff00/121", ["cidr_netmask": "64", "arp_count": "1"])
        let capture = try Capture("vb0", of: site.b, in: site, "icmp6[0] == 136")
        let start = try agent.call("start")
        #expect(start.code == 0, "\(start.errors)")
        #expect(try agent.codes("monitor") == [0])
        let frames = try capture.frames().filter { $0.destination == "ff02::1" }
        #expect(Set(frames.map(\.advertised)).count == 127)
        #expect(try agent.codes("stop", "probe") == [0, 7])
    }

    @Test func filesAndWhatTheySaidAtStart() throws {
        let file = "\(site.directory)/vips"
        try TextFile.write(file, "198.51.100.50-54 # five\n203.0.113.9/24%va1\n")
        chmod(file, 0o644)
        let agent = agent("@\(file)")
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try count() == 5 && count("va1") == 1)
        try TextFile.write(file, "198.51.100.50\n")
        #expect(try agent.codes("stop") == [0])
        #expect(try count() == 0 && count("va1") == 0)
        chmod(file, 0o666)
        #expect(try agent.call("start").errors.contains("chmod go-w"))
        unlink(file)
        #expect(try agent.codes("start", "validate-all", "probe", "monitor", "stop") == [5, 6, 7, 1, 0])
    }

    @Test func badParameters() throws {
        for ips in ["x", "198.51.100.300", "198.51.100.50-10", "hosts:10.0.0.0/8", "198.51.100.50%va0:x"] {
            #expect(try agent(ips).codes("start", "validate-all", "monitor", "probe", "stop") == [5, 6, 1, 7, 0])
        }
        let mixed = agent("198.51.100.50 203.0.113.9")
        #expect(try mixed.codes("start", "validate-all", "monitor", "probe", "stop") == [5, 1, 7, 7, 0])
        #expect(try agent("198.51.100.50%nonic").codes("start", "validate-all", "probe", "stop") == [5, 6, 7, 0])
        #expect(try agent("").call("start").errors.contains("required parameter ip is not set, and ips neither"))
        #expect(try count() == 0)
    }
}
