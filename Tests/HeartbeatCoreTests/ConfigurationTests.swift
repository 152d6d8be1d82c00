// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HeartbeatCore

@Suite struct ConfigurationTests {
    private func errors(_ text: String) -> String {
        do {
            _ = try ConfigurationParser.parse(text, file: "hb.conf")
            return "none"
        } catch {
            return error.description
        }
    }

    @Test func nothingIsNeeded() throws {
        let configuration = try ConfigurationParser.parse("", file: "hb.conf")
        #expect(configuration == HeartbeatConfiguration())
        #expect(configuration.designatedLinks(of: [0, 1, 2]) == [0])
        #expect(configuration.weight(ofLink: 0) == 1000 && configuration.weight(ofLink: 1) == 0)
        #expect(configuration.name(ofLink: 1) == "1")
    }

    @Test func everything() throws {
        let text = """
            # two links
            link 0 public
            link 1 crossover support
            link 2 inside designated weight 500 ttl 5 port 7100 group in interface bond0\t# counts half
            ping_group inside reals 198.51.100.2 198.51.100.1
            ping_group crossover switch 203.0.113.1
            ping_deadtime 2s
            ttl 2
            log_level warning
            ping public 192.0.2.1 192.0.2.2
            ping 2 198.51.100.1
            keepalive 100ms
            settle 0
            uptime_hold 1m
            initdead 20
            ping_delta 2
            implicit_ping off
            port 7000
            auth file /etc/vervet/key
            log_file /var/log/heartbeat.log
            metrics 127.0.0.1:9106
            service web public inside
            service lan 2
            daemon_grace 1m
            on_daemon_loss neutral
            on_stop delete
            priority 7
            address public d1 192.0.2.11
            address public d2 192.0.2.12
            address 2 d1 2001:db8::1
            """
        let configuration = try ConfigurationParser.parse(text, file: "hb.conf")
        #expect(configuration.designatedLinks(of: [0, 1, 2]) == [0, 2])
        #expect(configuration.weight(ofLink: 2) == 1000 - 500)
        #expect(configuration.name(ofLink: 1) == "crossover")
        #expect(configuration.pings[0]?.map(\.description) == ["192.0.2.1", "192.0.2.2"])
        #expect(configuration.pings[2]?.count == 1)
        #expect(configuration.pingGroups[2]?.map(\.name) == ["reals"] && configuration.pingGroups[1]?.count == 1)
        #expect(configuration.pingTargets(ofLink: 2)?.map(\.description) == ["198.51.100.1", "198.51.100.2"])
        #expect(configuration.pingTargets(ofLink: 1)?.count == 1 && configuration.pingTargets(ofLink: 3) == nil)
        #expect((0..<3).map { configuration.ttl(ofLink: $0) } == [2, 2, 5])
        #expect((0..<3).map { configuration.port(ofLink: $0) } == [7000, 7001, 7100])
        #expect(configuration.links[2]?.group == "in")
        #expect(configuration.timers.pingDeadtime == .seconds(2) && configuration.logLevel == .warning)
        #expect(configuration.timers.keepalive == .milliseconds(100))
        #expect(configuration.timers.deadtime == .milliseconds(500))
        #expect(configuration.timers.warntime == .milliseconds(300))
        #expect(configuration.timers.settle == .zero)
        #expect(configuration.timers.uptimeHold == .seconds(60))
        #expect(configuration.timers.initdead == .seconds(20))
        #expect(configuration.pingDelta == 2 && !configuration.hasImplicitPing && configuration.port == 7000)
        #expect(configuration.authentication == .file("/etc/vervet/key"))
        #expect(configuration.logFile == "/var/log/heartbeat.log")
        #expect(configuration.metrics?.description == "127.0.0.1:9106")
        #expect(
            configuration.services.map(\.name) == ["web", "lan"]
                && configuration.services.map(\.links) == [[0, 2], [2]]
        )
        #expect(configuration.daemonGrace == .seconds(60) && configuration.isLossNeutral && configuration.deletesAtStop)
        #expect(configuration.priority == 7 && configuration.links[2]?.interface == "bond0")
        #expect(configuration.addresses[0]?.mapValues(\.description) == ["d1": "192.0.2.11", "d2": "192.0.2.12"])
        #expect(configuration.addresses[2]?.count == 1 && configuration.addresses[1] == nil)
        #expect(try reread(configuration) == configuration)
    }

    /// What is listed as being in effect means the same when it is read.
    private func reread(_ configuration: HeartbeatConfiguration) throws -> HeartbeatConfiguration {
        let text = configuration.listing.map { "\($0.directive) \($0.value)\n" }.joined()
        return try ConfigurationParser.parse(text, file: "listed")
    }

    @Test func theDefaultsAreListed() throws {
        var expected = HeartbeatConfiguration()
        expected.timers.pingDeadtime = .milliseconds(800)
        #expect(try reread(HeartbeatConfiguration()) == expected)
        let listing = HeartbeatConfiguration().listing
        #expect(listing.contains { $0 == ("ttl", "1") } && listing.contains { $0 == ("keepalive", "200ms") })
    }

    @Test func ofAGroupOfLinksTheHeaviestHealthyOneCounts() throws {
        let text = """
            link 0 a group wan
            link 1 b designated weight 800 group wan
            link 2 c designated weight 300
            """
        let configuration = try ConfigurationParser.parse(text, file: "hb.conf")
        #expect(configuration.weight(ofHealthy: [0, 1, 2]) == 1300)
        #expect(configuration.weight(ofHealthy: [1, 2]) == 1100 && configuration.weight(ofHealthy: [1]) == 800)
        #expect(configuration.weight(ofHealthy: [2]) == 300 && configuration.weight(ofHealthy: []) == 0)
    }

    @Test func ttlAndPortsAreOthersBusinessToo() throws {
        let plain = try ConfigurationParser.parse("link 0 a", file: "hb.conf")
        for text in ["link 0 a ttl 2", "link 0 a port 7000", "link 0 a\nttl 2"] {
            #expect(try ConfigurationParser.parse(text, file: "hb.conf").hash != plain.hash)
        }
    }

    @Test func interfacesAreEachNodesOwnMatterAndAddressesAreNot() throws {
        let hash = { (text: String) throws in try ConfigurationParser.parse(text, file: "hb.conf").hash }
        #expect(try hash("link 0 a interface eth0") == hash("link 0 a interface bond0"))
        #expect(try hash("link 0 a\naddress a d1 192.0.2.1") != hash("link 0 a"))
        #expect(try hash("priority 3") == hash(""))
    }

    @Test func theRuleOfIpfailIsAPolicy() throws {
        let configuration = try ConfigurationParser.parse("policy ipfail", file: "hb.conf")
        #expect(configuration.policy == .ipfail && HeartbeatConfiguration().policy == .table)
        #expect(try reread(configuration).policy == .ipfail)
        #expect(configuration.policyDigest != HeartbeatConfiguration().policyDigest)
        #expect(configuration.hash != HeartbeatConfiguration().hash)
        #expect(throws: (any Error).self) { try ConfigurationParser.parse("policy ipfale", file: "hb.conf") }
    }

    @Test func realTimeCanBeOff() throws {
        #expect(try ConfigurationParser.parse("priority off", file: "hb.conf").priority == nil)
        #expect(try reread(try ConfigurationParser.parse("priority off", file: "hb.conf")).priority == nil)
        #expect(HeartbeatConfiguration().priority == 5)
    }

    @Test func rtprioOfTheOldFile() {
        #expect(HACFConverter.convert("rtprio 3").text.contains("\npriority 3\n"))
        #expect(HACFConverter.convert("rtprio 99").text.contains("\npriority 10\n"))
        #expect(HACFConverter.convert("rtprio").errors.count == 1)
    }

    @Test(arguments: [
        (
            "deadtme 2s",
            "hb.conf:1:1: error: unknown directive \"deadtme\"; did you mean \"deadtime\"?\n    deadtme 2s\n    ^"
        ),
        (
            "\n  deadtime 2h",
            "hb.conf:2:12: error: \"2h\" is not a time: write 200ms, 2s, 1m or a number of seconds\n"
                + "      deadtime 2h\n               ^"
        ),
        (
            "port 70000",
            "hb.conf:1:6: error: \"70000\" is not a whole number from 1 to 65528\n    port 70000\n         ^"
        ),
        ("ping wan 192.0.2.1", "hb.conf:1:6: error: no link is called \"wan\"\n    ping wan 192.0.2.1\n         ^"),
        (
            "ping 0 gateway",
            "hb.conf:1:8: error: \"gateway\" is not an IP address (names are not looked up)\n"
                + "    ping 0 gateway\n           ^"
        ),
        (
            "link 0 a/b",
            "hb.conf:1:8: error: a link's name has letters, digits, \"-\" and \"_\" only: it becomes part of hb-link-NAME\n"
                + "    link 0 a/b\n           ^"
        ),
        ("link 0 a\nlink 0 b", "hb.conf:2:6: error: link 0 was already described above\n    link 0 b\n         ^"),
        ("port 1\nport 2", "hb.conf:2:1: error: \"port\" was already given above\n    port 2\n    ^"),
        (
            "ttl 0",
            "hb.conf:1:5: error: \"0\" is not a whole number from 1 to 255\n    ttl 0\n        ^"
        ),
        (
            "link 0 a\nlink 1 b port 6940",
            "hb.conf: error: link 1 and link 0 both have port 6940"
        ),
        (
            "ping_group 0 g",
            "hb.conf:1:1: error: write: ping_group LINK NAME ADDRESS...\n    ping_group 0 g\n    ^"
        ),
        (
            "ping_group 0 g 192.0.2.1\nping_group 0 g 192.0.2.2",
            "hb.conf:2:14: error: ping group \"g\" was already described above\n    ping_group 0 g 192.0.2.2\n                 ^"
        ),
        (
            "priority 11",
            "hb.conf:1:10: error: \"11\" is not a whole number from 1 to 10\n    priority 11\n             ^"
        ),
        (
            "address 0 d1",
            "hb.conf:1:1: error: write: address LINK NODE ADDRESS\n    address 0 d1\n    ^"
        ),
        (
            "address 0 d1 192.0.2.1\naddress 0 d1 192.0.2.2",
            "hb.conf:2:11: error: the address of \"d1\" on this link was already given above\n"
                + "    address 0 d1 192.0.2.2\n              ^"
        ),
        (
            "link 0 a interface averylongdevicename",
            "hb.conf:1:20: error: \"averylongdevicename\" cannot be an interface: its name has up to 15 characters\n"
                + "    link 0 a interface averylongdevicename\n                       ^"
        ),
        ("keepalive 10ms", "hb.conf: error: keepalive must be at least 50ms"),
        (
            "link 0 a support\nlink 1 b",
            "hb.conf: error: no link is designated: name the one that carries the service, "
                + "\"link 0 public designated\""
        ),
        (
            "deadtime 300ms",
            "hb.conf: error: deadtime must be at least twice keepalive, or one lost probe is a fault\n"
                + "hb.conf: error: warntime must not be longer than deadtime"
        ),
    ])
    func diagnostics(text: String, expected: String) {
        #expect(errors(text) == expected)
    }

    @Test func allMistakesAreTold() {
        #expect(errors("foo\nbar\nauth").split(separator: "\n").count { $0.hasPrefix("hb.conf:") } == 3)
    }

    @Test func noiseNeverTraps() {
        var generator = SeededGenerator(seed: 9)
        let words = [
            "link", "ping", "0", "7", "8", "-1", "public", "designated", "weight", "deadtime", "2s", "ms", "\t", "#",
            "\u{0}", "é", "auth", "file", "ping_group",
            "ttl", "port", "address", "interface", "priority", "192.0.2.1",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                (words.randomElement(using: &generator) ?? "") + (Bool.random(using: &generator) ? " " : "\n")
            }.joined()
            _ = errors(text)
        }
    }
}
