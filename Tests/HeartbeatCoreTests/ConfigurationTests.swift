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
            link 2 inside designated weight 500\t# counts half
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
            """
        let configuration = try ConfigurationParser.parse(text, file: "hb.conf")
        #expect(configuration.designatedLinks(of: [0, 1, 2]) == [0, 2])
        #expect(configuration.weight(ofLink: 2) == 1000 - 500)
        #expect(configuration.name(ofLink: 1) == "crossover")
        #expect(configuration.pings[0]?.map(\.description) == ["192.0.2.1", "192.0.2.2"])
        #expect(configuration.pings[2]?.count == 1)
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
            "\u{0}", "é", "auth", "file",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                (words.randomElement(using: &generator) ?? "") + (Bool.random(using: &generator) ? " " : "\n")
            }.joined()
            _ = errors(text)
        }
    }
}
