// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HeartbeatCore

@Suite struct ClusterAdviceTests {
    private static let good = CorosyncSettings(
        token: 3000,
        linkMode: "active",
        cipher: "aes256",
        hash: "sha256",
        links: [
            0: .init(pingInterval: 200, pingTimeout: 600, priority: 1),
            1: .init(pingInterval: 200, pingTimeout: 600, priority: 10),
        ],
        nodes: 2
    )

    /// What is advised after a change, joined.
    private func advice(_ change: (inout CorosyncSettings) -> Void) -> String {
        var settings = Self.good
        change(&settings)
        return settings.advice(designated: [0]).map(\.description).joined(separator: "\n")
    }

    @Test func nothingToImprove() {
        #expect(Self.good.advice(designated: [0]).isEmpty)
    }

    @Test func valuesToSet() {
        let token = advice({ $0.token = 1000 })
        #expect(token.contains("set token: 1700"))
        let timeout = advice({ $0.links[0]?.pingTimeout = 1500 })
        #expect(timeout.contains("knet_ping_timeout: 600"))
        let interval = advice({ $0.links[1]?.pingInterval = 100 })
        #expect(interval.contains("no effect below 200"))
        let cipher = advice({ $0.cipher = "none" })
        #expect(cipher.contains("crypto_cipher: aes256"))
        let oneLink = advice({ $0.links[1] = nil })
        #expect(oneLink.contains("ring1_addr"))
        let passive = advice({
            $0.linkMode = "passive"
            $0.links[0]?.priority = 10
        })
        #expect(passive.contains("link_mode: active") && passive.contains("above 10"))
        let harmless = advice({ $0.linkMode = "passive" })
        #expect(harmless.isEmpty)
    }

    private static let cib = """
        <cib><configuration><crm_config><cluster_property_set id="c"><nvpair id="s" name="stonith-enabled" value="true"/>
        </cluster_property_set></crm_config><resources><group id="g"><primitive id="a" class="ocf"/><primitive id="b"/></group>
        <clone id="c-hb"><primitive id="p-hb" class="ocf" provider="vervet" type="heartbeat"/></clone></resources>
        <constraints><rsc_location id="l" rsc="g"><rule id="r" score-attribute="hb-score"><expression attribute="hb-score"
        operation="defined" id="e"/></rule><rule id="u" score="1000"><expression attribute="hb-score"
        operation="not_defined" id="f"/></rule></rsc_location><rsc_order id="o" kind="Optional" first="c-hb" then="g"/></constraints>
        <rsc_defaults><meta_attributes id="m"><nvpair id="n" name="resource-stickiness" value="100"/></meta_attributes>
        </rsc_defaults></configuration></cib>
        """

    @Test func rules() {
        let rules = ClusterRules(cib: Self.cib)
        #expect(rules.followers == ["g"] && rules.groups == ["g": 2] && rules.stickiness == 100 && rules.hasFencing)
        #expect(rules.advice(weight: 1000).isEmpty)
    }

    @Test func rulesToChange() {
        let tell = { (old: String, new: String) -> String in
            ClusterRules(cib: Self.cib.replacing(old, with: new)).advice(weight: 1000).map(\.description).joined()
        }
        #expect(tell("value=\"100\"", "value=\"500\"").contains("sticks with 1000"))
        #expect(tell("score-attribute=\"hb-score\"", "score=\"-INFINITY\"").contains("stops everywhere"))
        #expect(tell("score-attribute=\"hb-score\"", "score-attribute=\"pingd\"").contains("no location rule"))
        #expect(tell("operation=\"not_defined\"", "operation=\"defined\"").contains("rule 1000: not_defined hb-score"))
        #expect(tell("kind=\"Optional\"", "kind=\"Mandatory\"").contains("Optional"))
        #expect(tell("\"true\"", "\"false\"").contains("fencing"))
    }

    @Test func whatTheStatusHas() {
        let status = TransientAttributes(
            status: """
                <xpath-query>
                  <transient_attributes id="1"><instance_attributes id="status-1">
                      <nvpair id="status-1-hb-score" name="hb-score" value="1000"/><nvpair id="x" name="hb-link-0" value="1"/>
                  </instance_attributes></transient_attributes>
                  <transient_attributes id="2"/>
                </xpath-query>
                """
        )
        let score = NodeAttribute(name: "hb-score", value: "1000")
        #expect(status.has(score, of: 1) && !status.has(score, of: 2) && !status.has(score, of: 3))
        #expect(!status.has(NodeAttribute(name: "hb-score", value: "0"), of: 1))
        #expect(status.has(NodeAttribute(name: "hb-state", value: nil), of: 1), "deleted")
        #expect(!status.has(NodeAttribute(name: "hb-score", value: nil), of: 1))
        #expect(!TransientAttributes(status: "").has(score, of: 1))
    }

    @Test func noiseNeverTraps() {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array("<>/=\"' aZ-é?!\n".unicodeScalars)
        for _ in 0..<5000 {
            let count = Int.random(in: 0...60, using: &generator)
            let text = (0..<count).reduce(into: "") { text, _ in
                text.unicodeScalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
            }
            var scanner = TagScanner(text)
            while scanner.next() != nil {}
            _ = ClusterRules(cib: Self.cib + text)
            _ = HACFConverter.convert(text)
        }
    }
}

@Suite struct HACFConverterTests {
    private static let old = """
        # the old file
        keepalive 500ms
        deadtime 10
        warntime 2.5
        initdead 120
        udpport 694
        bcast eth1
        ucast eth0 10.0.0.2
        node a
        node b
        ping 10.0.0.254 10.0.0.253
        ping_group reals 10.0.0.21 10.0.0.22
        deadping 20
        mcast eth2 225.0.0.1 694 3 0
        auto_failback off
        respawn hacluster /usr/lib/heartbeat/ipfail
        """

    @Test func theResultIsAConfiguration() throws {
        let result = HACFConverter.convert(Self.old)
        #expect(result.errors.isEmpty)
        let configuration = try ConfigurationParser.parse(result.text, file: "new")
        #expect(configuration.timers.keepalive == .milliseconds(500))
        #expect(configuration.timers.deadtime == .seconds(10) && configuration.timers.warntime == .milliseconds(2500))
        #expect(configuration.links[0]?.name == "eth1" && configuration.links[0]?.isDesignated == true)
        #expect(configuration.links[1]?.isDesignated == false && configuration.pings[0]?.count == 2)
        #expect(
            configuration.pingGroups[0]?.map(\.name) == ["reals"] && configuration.pingGroups[0]?[0].targets.count == 2
        )
        #expect(configuration.timers.pingDeadtime == .seconds(20))
        #expect((0..<3).map { configuration.ttl(ofLink: $0) } == [1, 1, 3])
    }

    @Test func whatHasNoCounterpartIsToldWithItsLine() {
        let result = HACFConverter.convert("keepalive 1\nserial /dev/ttyS0\nbogus 1\nkeepalive ten")
        #expect(result.errors.count == 3)
        #expect(result.errors.first?.hasPrefix("line 2: serial") == true)
        #expect(result.text.contains("# NOT CONVERTED: bogus 1"))
    }
}
