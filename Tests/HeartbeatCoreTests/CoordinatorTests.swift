// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HeartbeatCore

/// A coordinator on node 1 with a peer that says what it is told to say.
private struct Site {
    var time = TestTime()
    var coordinator: Coordinator
    var sequence: UInt64 = 0
    var published: [String: String] = [:]
    var publications = 0
    var watches: [Bool] = []

    /// What the peer's views say of our probes' loss.
    var peersLossPermille: UInt16 = 0
    var faulty: [NodeID] = []
    var hasCarrier = true
    var logged: [String] = []
    var told: [GroupMessage] = []

    init(_ configuration: HeartbeatConfiguration = HeartbeatConfiguration()) throws {
        coordinator = Coordinator(configuration: configuration, incarnation: 1, version: "test", at: TestTime().now)
        let node = { (id: NodeID) throws in
            ClusterTopology.Node(
                id: id,
                name: "d\(id)",
                addresses: [
                    0: try #require(IPAddress("10.0.0.\(id)")), 1: try #require(IPAddress("10.1.0.\(id)")),
                ]
            )
        }
        let topology = ClusterTopology(
            localNode: 1,
            nodes: [try node(1), try node(2)],
            knetTimeout: .milliseconds(600)
        )
        coordinator.handle(.topology(topology), at: time.now)
        coordinator.handle(.localLinks([0, 1].map { local($0, hasCarrier: true) }), at: time.now)
        coordinator.handle(.joined, at: time.now)
        coordinator.handle(.members([1, 2], left: [], joined: [2]), at: time.now)
        coordinator.handle(.ring([1, 2]), at: time.now)
        run(milliseconds: 20_000)
    }

    func local(_ link: UInt8, hasCarrier: Bool) -> LocalLink {
        LocalLink(link: link, interface: "eth\(link)", hasCarrier: hasCarrier, hasAddress: true, receives: true)
    }

    /// Time passes; the peer sends probes on `links` and views.
    mutating func run(milliseconds: Int64, links: [UInt8] = [0, 1]) {
        for step in 0..<milliseconds / 50 {
            if step % 4 == 0 {
                sequence += 1
                for link in links {
                    coordinator.handle(.probe(probe(link, hears: links), roundTrip: nil), at: time.now)
                }
            }
            if step % 20 == 0 {
                coordinator.handle(.message(sender: 2, bytes: view(hears: links).encoded()), at: time.now)
            }
            tick()
            time.milliseconds += 50
        }
    }

    mutating func tick() {
        for effect in coordinator.tick(at: time.now) {
            switch effect {
            case .publish(let attributes, _):
                publications += 1
                for attribute in attributes {
                    published[attribute.key] = attribute.value
                }
            case .multicast(_, let bytes):
                told += (try? GroupMessage(decoding: bytes)).map { [$0] } ?? []
                // Our own messages come back at once.
                coordinator.handle(.message(sender: 1, bytes: bytes), at: time.now)
            case .log(_, let text): logged.append(text)
            case .watchKnet(let closely): watches.append(closely)
            default: break
            }
        }
    }

    /// Time passes; of two probes one arrives.
    mutating func lose(milliseconds: Int64) {
        for step in 0..<milliseconds / 50 {
            if step % 2 == 0 {
                sequence += 2
                for link in [0, 1] as [UInt8] {
                    coordinator.handle(.probe(probe(link, hears: [0, 1]), roundTrip: nil), at: time.now)
                }
            }
            tick()
            time.milliseconds += 50
        }
    }

    /// Time passes in silence.
    mutating func idle(milliseconds: Int64) {
        for _ in 0..<milliseconds / 50 {
            tick()
            time.milliseconds += 50
        }
    }

    /// The peer's goodbye.
    var bye: GroupMessage {
        GroupMessage(
            kind: .bye,
            node: 2,
            flags: [.stopping],
            incarnation: 5,
            sequence: sequence + 1,
            sentAt: time.now.nanoseconds,
            configurationHash: 0
        )
    }

    /// What the peer computed, told alone.
    func verdict(_ sequence: UInt64, _ faulty: [NodeID]) -> GroupMessage {
        var message = bye
        message.kind = .verdict
        message.flags = []
        message.sequence = sequence
        message.verdicts = [VerdictRecord(link: 0, reason: .ok, faulty: faulty)]
        return message
    }

    private func probe(_ link: UInt8, hears: [UInt8]) -> ProbeDatagram {
        ProbeDatagram(
            link: link,
            flags: 0,
            source: 2,
            destination: 1,
            sourceIncarnation: 5,
            destinationIncarnation: 1,
            sequence: sequence,
            sentAt: time.now.nanoseconds,
            echo: 0,
            echoAgeMilliseconds: 0,
            hears: hears.reduce(0) { $0 | 1 << $1 },
            pings: 0,
            carriers: hasCarrier ? 3 : 2,
            keyID: 0
        )
    }

    private func view(hears: [UInt8]) -> GroupMessage {
        var message = GroupMessage(
            kind: .view,
            node: 2,
            flags: [],
            incarnation: 5,
            sequence: sequence,
            sentAt: time.now.nanoseconds,
            configurationHash: coordinator.configuration.hash
        )
        for link in UInt8(0)...1 {
            message.localLinks.append(
                LocalLinkRecord(link: link, hasCarrier: hasCarrier || link > 0, hasAddress: true, receives: true)
            )
            let word: Tristate = hears.contains(link) ? .yes : .no
            var record = PeerLinkRecord(peer: 1, link: link, state: .up, hears: word, isHeard: word)
            record.lossPermille = peersLossPermille
            message.peerLinks.append(record)
        }
        message.verdicts = [VerdictRecord(link: 0, reason: .ok, faulty: faulty)]
        return message
    }
}

@Suite struct CoordinatorTests {
    @Test func wellAfterTheStart() throws {
        let site = try Site()
        #expect(site.published["hb-score"] == "1000" && site.published["hb-state"] == "ok")
        #expect(site.published["hb-redundancy"] == "2")
    }

    @Test func ownCarrierLostIsPublishedAfterAMoment() throws {
        var site = try Site()
        site.coordinator.handle(.localLinks([site.local(0, hasCarrier: false)]), at: site.time.now)
        site.run(milliseconds: 250)
        #expect(site.published["hb-score"] == "1000")
        site.run(milliseconds: 50)
        #expect(site.published["hb-score"] == "0")
    }

    @Test func aSwitchThatDiesTakesBothCarriersAndMovesNothing() throws {
        var site = try Site()
        site.coordinator.handle(.localLinks([site.local(0, hasCarrier: false)]), at: site.time.now)
        site.run(milliseconds: 200)
        site.hasCarrier = false
        site.run(milliseconds: 5000)
        #expect(site.published["hb-score"] == "1000")
    }

    @Test func aLostNodeLeavesPacemakerInPeaceExceptForTheScore() throws {
        var site = try Site()
        site.coordinator.handle(.members([1], left: [2], joined: []), at: site.time.now)
        site.coordinator.handle(.ring([1]), at: site.time.now)
        site.publications = 0
        for _ in 0..<90 {
            site.tick()
            site.time.milliseconds += 50
        }
        #expect(site.publications == 0)
        _ = site.coordinator.obey(.force(isHealthy: false, .seconds(60)), at: site.time.now)
        site.tick()
        #expect(site.published["hb-score"] == "0" && site.publications == 1)
        for _ in 0..<60 {
            site.tick()
            site.time.milliseconds += 50
        }
        #expect(site.published["hb-state"] == "fault", "what informs follows after the rest")
    }

    @Test func aNodeThatReturnsMakesUsAssertEverything() throws {
        var site = try Site()
        site.coordinator.handle(.ring([1]), at: site.time.now)
        site.publications = 0
        site.coordinator.handle(.ring([1, 2]), at: site.time.now)
        site.tick()
        #expect(site.publications == 1)
    }

    @Test func daemonsOfPacemakerThatHaveChangedMakeUsAssertEverything() throws {
        var site = try Site()
        site.run(milliseconds: 70_000)
        site.publications = 0
        site.coordinator.handle(.pacemakerChanged(isStarted: true), at: site.time.now)
        site.tick()
        #expect(site.publications == 1)
        site.run(milliseconds: 6000)
        #expect(site.publications == 3, "and again, while they find each other")
    }

    @Test func daemonsThatWentWithTheirNodeLeavePacemakerInPeace() throws {
        var site = try Site()
        site.run(milliseconds: 70_000)
        site.coordinator.handle(.members([1], left: [2], joined: []), at: site.time.now)
        site.coordinator.handle(.ring([1]), at: site.time.now)
        site.coordinator.handle(.pacemakerChanged(isStarted: false), at: site.time.now)
        site.publications = 0
        site.idle(milliseconds: 4500)
        #expect(site.publications == 0)
        site.idle(milliseconds: 2000)
        #expect(site.publications >= 1)
    }

    @Test func whatTheStatusLacksIsNotConfirmed() throws {
        var site = try Site()
        let score = NodeAttribute(name: "hb-score", value: "1000")
        let link = NodeAttribute(name: "hb-link-0", value: "1")
        site.coordinator.handle(.attribute(score, failure: nil), at: site.time.now)
        #expect(site.coordinator.confirmed["hb-score"] == nil, "taken is not arrived")
        let took = Duration.milliseconds(120)
        site.coordinator.handle(.attributesArrived([score, link], missing: [], took: took), at: site.time.now)
        #expect(site.coordinator.confirmed["hb-score"] == "1000" && site.coordinator.attributeDelay == took)
        site.coordinator.handle(.attributesArrived([link], missing: [score], took: took), at: site.time.now)
        site.tick()
        #expect(site.coordinator.confirmed["hb-score"] == nil && site.coordinator.confirmed["hb-link-0"] == "1")
        #expect(site.logged.contains { $0.contains("the cluster's status lacks hb-score") })
    }

    @Test func unsuitableTimersOfCorosyncAreToldOnce() throws {
        var site = try Site()
        let link = CorosyncSettings.Link(pingInterval: 750, pingTimeout: 1500, priority: 1)
        var settings = CorosyncSettings(
            token: 3000,
            linkMode: "active",
            cipher: "aes256",
            hash: "sha256",
            links: [0: link, 1: link],
            nodes: 2
        )
        for _ in 0..<3 {
            site.coordinator.handle(.corosyncSettings(settings), at: site.time.now)
            site.tick()
        }
        #expect(site.logged.count { $0.hasPrefix("corosync.conf: link 0: knet needs up to 1500 ms") } == 1)
        #expect(site.coordinator.advice.count == 3, "two links and the token")
        let quick = CorosyncSettings.Link(pingInterval: 200, pingTimeout: 600, priority: 1)
        settings.links = [0: quick, 1: quick]
        site.coordinator.handle(.corosyncSettings(settings), at: site.time.now)
        site.tick()
        #expect(site.coordinator.advice.isEmpty)
        #expect(site.logged.contains("corosync.conf: nothing to improve any more"))
    }

    @Test func addressesOfTheConfigurationTakeThePlaceOfCorosyncs() throws {
        let topology = try #require(try Site().coordinator.topology)
        let address = try #require(IPAddress("192.0.2.2"))
        let changed = topology.applying([0: ["d2": address, "d9": address], 5: ["d2": address]])
        #expect(changed.peers.first?.addresses[0] == address)
        #expect(changed.peers.first?.addresses[1] == topology.peers.first?.addresses[1])
        #expect(changed.peers.first?.addresses[5] == nil, "no link that corosync does not have")
        #expect(changed.local == topology.local)
    }

    @Test func aLinkThatLosesHalfIsNotTrustedForItsPings() throws {
        var site = try Site()
        #expect(!site.coordinator.losesTooMuch(0, at: site.time.now))
        site.lose(milliseconds: 12_000)
        #expect(site.coordinator.peers[2]?.monitors[0]?.state == .down)
        #expect(site.coordinator.losesTooMuch(0, at: site.time.now))
        site.idle(milliseconds: 11_000)
        #expect(!site.coordinator.losesTooMuch(0, at: site.time.now), "a cut is no loss: nothing is known of it")
    }

    @Test func aShortCutsLossDoesNotHoldAMendedLink() throws {
        var site = try Site()
        // So short that the peer never found us silent: four of our probes are missing in its window, which is 8 %.
        site.idle(milliseconds: 850)
        #expect(site.coordinator.peers[2]?.monitors[0]?.state == .down)
        site.peersLossPermille = 80
        site.run(milliseconds: 2000)
        #expect(site.coordinator.peers[2]?.monitors[0]?.state == .down, "the hold lasts")
        #expect(!site.coordinator.losesTooMuch(0, at: site.time.now))
    }

    @Test func whatThePeerLosesHoldsALinkThatItDoesNotHear() throws {
        var site = try Site()
        site.peersLossPermille = 500
        site.run(milliseconds: 2000, links: [1])
        #expect(site.coordinator.losesTooMuch(0, at: site.time.now))
        #expect(!site.coordinator.losesTooMuch(1, at: site.time.now), "what is up is judged by the monitor")
    }

    @Test func knetIsWatchedCloselyWhileALinkIsInDoubt() throws {
        var site = try Site()
        #expect(site.watches == [false], "all is well since the first probes")
        site.run(milliseconds: 200, links: [1])
        #expect(site.watches == [false, true], "a probe is missing on link 0: before it is late")
        #expect(site.coordinator.peers[2]?.monitors[0]?.state == .up)
        site.run(milliseconds: 1000)
        #expect(site.watches == [false, true, false])
        site.coordinator.handle(
            .knet(peer: 2, links: [0: KnetLink(isConnected: false)]),
            at: site.time.now
        )
        site.tick()
        #expect(site.watches.last == true)
    }

    @Test func withoutProbesKnetIsAlwaysWatchedClosely() throws {
        var configuration = HeartbeatConfiguration()
        configuration.disabledEvidence.insert(.probes)
        let site = try Site(configuration)
        #expect(site.watches.isEmpty, "as at the start")
    }

    @Test func noMoreThanTwentyMessagesASecond() throws {
        var site = try Site()
        var count = 0
        for step in 0..<100 {
            // The verdict of somebody who cannot decide: every view differs from the one before.
            let works = step % 2 == 0
            site.coordinator.handle(
                .localLinks([
                    LocalLink(link: 1, interface: "eth1", hasCarrier: works, hasAddress: true, receives: true)
                ]),
                at: site.time.now
            )
            for case .multicast(_, let bytes) in site.coordinator.tick(at: site.time.now) {
                count += 1
                site.coordinator.handle(.message(sender: 1, bytes: bytes), at: site.time.now)
            }
            site.time.milliseconds += 25
        }
        #expect((40...60).contains(count), "in two and a half seconds: \(count)")
    }

    @Test func aHeartbeatThatEndsWithoutAWordIsLostAfterTheGrace() throws {
        var configuration = HeartbeatConfiguration()
        configuration.isLossNeutral = true
        var site = try Site(configuration)
        site.coordinator.handle(.members([1], left: [2], joined: []), at: site.time.now)
        site.idle(milliseconds: 29_000)
        #expect(site.published["d2/hb-state"] == nil)
        site.idle(milliseconds: 4000)
        #expect(site.published["d2/hb-state"] == "daemon-lost" && site.published["d2/hb-score"] == "1000")
        site.published = [:]
        site.coordinator.handle(.members([1, 2], left: [], joined: [2]), at: site.time.now)
        site.run(milliseconds: 70_000)
        #expect(site.published["d2/hb-state"] == nil && site.published["hb-state"] == "ok")
    }

    @Test func aHeartbeatThatSaysGoodbyeIsNotLost() throws {
        var site = try Site()
        site.coordinator.handle(.message(sender: 2, bytes: site.bye.encoded()), at: site.time.now)
        site.coordinator.handle(.members([1], left: [2], joined: []), at: site.time.now)
        site.idle(milliseconds: 60_000)
        #expect(site.published["d2/hb-state"] == nil && site.published["hb-score"] == "1000")
    }

    @Test func aNodeThatDiesIsPacemakersMatter() throws {
        for isRingFirst in [true, false] {
            var site = try Site()
            let ring = HeartbeatEvent.ring([1])
            let members = HeartbeatEvent.members([1], left: [2], joined: [])
            for event in isRingFirst ? [ring, members] : [members, ring] {
                site.coordinator.handle(event, at: site.time.now)
            }
            site.idle(milliseconds: 60_000)
            #expect(site.published["d2/hb-state"] == nil)
        }
    }

    @Test func servicesHaveScoresOfTheirOwn() throws {
        var configuration = HeartbeatConfiguration()
        configuration.links = [
            0: HeartbeatConfiguration.Link(name: "public", isDesignated: true, weight: 1000),
            1: HeartbeatConfiguration.Link(name: "inside", isDesignated: true, weight: 500),
        ]
        configuration.services = [
            HeartbeatConfiguration.Service(name: "web", links: [0, 1]),
            HeartbeatConfiguration.Service(name: "lan", links: [1]),
            HeartbeatConfiguration.Service(name: "nowhere", links: [7]),
        ]
        var site = try Site(configuration)
        #expect(site.published["hb-score"] == "1500" && site.published["hb-score-web"] == "1500")
        #expect(site.published["hb-score-lan"] == "500" && site.published["hb-score-nowhere"] == nil)
        site.coordinator.handle(.localLinks([site.local(0, hasCarrier: false)]), at: site.time.now)
        site.run(milliseconds: 300)
        #expect(site.published["hb-score-web"] == "500" && site.published["hb-score-lan"] == "500")
        site.run(milliseconds: 3000)
        #expect(site.published["hb-reason"] == "public: carrier, at fault: d1; inside: ok")
    }

    @Test(arguments: [false, true])
    func theEndKeepsOrDeletesTheAttributes(isDeleted: Bool) throws {
        var configuration = HeartbeatConfiguration()
        configuration.deletesAtStop = isDeleted
        var site = try Site(configuration)
        let publication = site.coordinator.stop(at: site.time.now).compactMap { effect in
            if case .publish(let attributes, _) = effect { attributes } else { nil }
        }.first
        let last = try #require(publication)
        #expect(last.first?.name == "hb-score" && last.last?.name == "hb-state")
        #expect(last.first?.value == (isDeleted ? nil : "1000") && last.last?.value == (isDeleted ? nil : "stopped"))
    }

    @Test func aForcedVerdictExpires() throws {
        var site = try Site()
        #expect(site.coordinator.obey(.force(isHealthy: false, .seconds(3)), at: site.time.now).contains("at fault"))
        site.run(milliseconds: 1000)
        #expect(site.published["hb-score"] == "0")
        site.run(milliseconds: 9000)
        #expect(site.published["hb-score"] == "1000")
        #expect(site.coordinator.history.entries.contains { $0.text.contains("run out") })
    }

    @Test func maintenanceFreezesWhatIsPublished() throws {
        var site = try Site()
        _ = site.coordinator.obey(.maintenance(.seconds(10), ofCluster: false), at: site.time.now)
        site.coordinator.handle(.localLinks([site.local(0, hasCarrier: false)]), at: site.time.now)
        site.run(milliseconds: 3000)
        #expect(site.published["hb-score"] == "1000" && site.published["hb-state"] == "maintenance")
        site.run(milliseconds: 8000)
        #expect(site.published["hb-score"] == "0")
    }

    @Test func anotherVerdictForTwoSecondsIsAnAlarm() throws {
        var site = try Site()
        site.faulty = [1]
        site.run(milliseconds: 1500)
        #expect(site.coordinator.alarmed.isEmpty)
        site.run(milliseconds: 3000)
        #expect(site.coordinator.alarmed == [2] && site.coordinator.state == "undecided")
        site.faulty = []
        site.run(milliseconds: 2000)
        #expect(site.coordinator.alarmed.isEmpty)
    }

    @Test func theSupportLinkMovesNothing() throws {
        var site = try Site()
        site.run(milliseconds: 5000, links: [0])
        #expect(site.published["hb-score"] == "1000" && site.published["hb-redundancy"] == "1")
        #expect(site.published["hb-state"] == "degraded")
    }

    @Test func silentProbesOnAllLinksAreNoFaultWhileCorosyncHears() throws {
        var site = try Site()
        let links: [UInt8: KnetLink] = [0: KnetLink(isConnected: true), 1: KnetLink(isConnected: true)]
        for _ in 0..<6 {
            site.coordinator.handle(.knet(peer: 2, links: links), at: site.time.now)
            site.run(milliseconds: 1000, links: [])
        }
        #expect(site.published["hb-score"] == "1000")
        #expect(site.coordinator.blockedProbes == [2])
    }

    @Test func whatCorosyncSaidLongAgoIsForgotten() throws {
        var site = try Site()
        site.coordinator.handle(.knet(peer: 2, links: [0: KnetLink(isConnected: true)]), at: site.time.now)
        site.run(milliseconds: 2000)
        #expect(site.coordinator.peers[2]?.knet[0]?.isConnected == true)
        site.run(milliseconds: 200)
        #expect(site.coordinator.peers[2]?.knet.isEmpty == true)
    }

    @Test func aLinkThatIsLateAgainAndAgainFillsNoLog() throws {
        var configuration = HeartbeatConfiguration()
        configuration.timers.lossDownPermille = 0
        var site = try Site(configuration)
        let before = site.logged.count { $0.contains("late") }
        for _ in 0..<10 {
            site.run(milliseconds: 600, links: [1])
            site.run(milliseconds: 400)
        }
        #expect(site.coordinator.peers[2]?.monitors[0]?.lateTotal == 10)
        #expect(site.logged.count { $0.contains("late") } - before <= 2)
    }

    /// How many ping nodes link 0 has, and how many of them answer.
    private func pingNodes(_ site: Site) -> [Int] {
        let nodes = site.coordinator.pingNodes(0)
        return [nodes.total, nodes.alive]
    }

    @Test func aPingGroupCountsAsOneAndAnswersWhileAnyMemberDoes() throws {
        let addresses = try (1...4).map { try #require(IPAddress("10.0.0.\(200 + $0)")) }
        var configuration = HeartbeatConfiguration()
        configuration.pings = [0: [addresses[0]]]
        configuration.pingGroups = [
            0: [HeartbeatConfiguration.PingGroup(name: "reals", targets: [addresses[1], addresses[2]])]
        ]
        var site = try Site(configuration)
        #expect(pingNodes(site) == [0, 0], "nothing is pinged yet")
        let targets = try #require(configuration.pingTargets(ofLink: 0))
        site.coordinator.handle(.pingTargets(link: 0, targets: targets), at: site.time.now)
        let answer = { (site: inout Site, who: [Int]) in
            for _ in 0..<20 {
                for index in who {
                    site.coordinator.handle(.pingReply(link: 0, target: addresses[index]), at: site.time.now)
                }
                site.run(milliseconds: 100)
            }
        }
        answer(&site, [0, 1, 2])
        #expect(pingNodes(site) == [2, 2])
        answer(&site, [0, 2])
        #expect(pingNodes(site) == [2, 2])
        answer(&site, [0])
        #expect(pingNodes(site) == [2, 1])
        #expect(site.coordinator.pingGroupStates[0]?["reals"]?.isAlive == false)
        #expect(site.logged.contains { $0.contains("ping group reals does not answer") })
        answer(&site, [1])
        #expect(pingNodes(site) == [2, 1])
        let report = StatusReport(
            coordinator: site.coordinator,
            counters: ProbeCounters(),
            tryAgainTotal: 7,
            keySource: "test",
            now: site.time.now
        )
        #expect(
            report.json.contains(#""ping_groups":[{"link":"0","name":"reals","targets":["10.0.0.202","10.0.0.203"]"#)
        )
        #expect(report.metrics.contains(#"vervet_heartbeat_ping_group_alive{link="0",group="reals"} 1"#))
        #expect(report.metrics.contains("vervet_heartbeat_cpg_try_again_total 7\n"))
        #expect(report.json.contains(#""try_again_total":7"#))
        #expect(report.pingNodes.contains("10.0.0.201 dead 0\n") && report.pingNodes.contains("group:reals up 0\n"))
        #expect(report.nodesJSON.contains(#"{"name":"d2","type":"normal","state":"up","heartbeat":true}"#))
        #expect(report.nodesJSON.contains(#"{"name":"group:reals","type":"ping","state":"up","link":"0"}"#))
    }

    @Test func statusTellsWhoAgreesAndWhatIsHeldDown() throws {
        var site = try Site()
        let json = { (site: Site) in
            StatusReport(
                coordinator: site.coordinator,
                counters: ProbeCounters(),
                tryAgainTotal: 7,
                keySource: "test",
                now: site.time.now
            ).json
        }
        #expect(json(site).contains(#""agreed_by":["d1","d2"]"#))
        #expect(json(site).contains(#""initdead":false,"hold_down_until_s":null}"#))
        #expect(json(site).contains(#""knet_heard":null,"carrier":true}"#))
        for _ in 0..<3 {
            site.coordinator.handle(.localLinks([site.local(0, hasCarrier: false)]), at: site.time.now)
            site.run(milliseconds: 1000)
            #expect(json(site).contains(#""reason":"carrier","row":2,"faulty":["d1"]"#))
            #expect(json(site).contains(#""agreed_by":["d1"]"#), "the peer of this test never accuses")
            site.coordinator.handle(.localLinks([site.local(0, hasCarrier: true)]), at: site.time.now)
            site.run(milliseconds: 7000)
        }
        #expect(
            json(site).contains(#""initdead":false,"hold_down_until_s":5"#),
            "a minute, less the last eight seconds"
        )
    }

    @Test func aVerdictAloneIsComparedToo() throws {
        var site = try Site()
        let agreed = { (site: Site) in site.coordinator.whoAgrees(0, at: site.time.now) }
        #expect(agreed(site) == [1, 2])
        let sequence = try #require(site.coordinator.peers[2]?.view?.sequence)
        site.coordinator.handle(.message(sender: 2, bytes: site.verdict(sequence, [1]).encoded()), at: site.time.now)
        #expect(agreed(site) == [1, 2], "older than its view")
        site.coordinator.handle(
            .message(sender: 2, bytes: site.verdict(sequence + 1, [1]).encoded()),
            at: site.time.now
        )
        #expect(agreed(site) == [1])
        #expect(site.coordinator.peers[2]?.view?.peerLinks.isEmpty == false, "the view stays")
        site.coordinator.handle(
            .message(sender: 2, bytes: site.verdict(sequence + 2, []).encoded()),
            at: site.time.now
        )
        #expect(agreed(site) == [1, 2])
    }

    @Test func newsAreToldOnceAndViewsGoOn() throws {
        var site = try Site()
        site.told = []
        site.run(milliseconds: 5000)
        #expect(site.told.allSatisfy { $0.kind == .view } && (4...6).contains(site.told.count))
        let view = try #require(site.told.last)
        #expect(view.policyDigest == site.coordinator.configuration.policyDigest)
        #expect(view.localLinks.map(\.interface) == ["eth0", "eth1"])
        var counted = site.local(0, hasCarrier: true)
        counted.receivedDelta = 5
        site.coordinator.handle(.localLinks([counted]), at: site.time.now)
        site.told = []
        site.run(milliseconds: 5000)
        #expect((4...6).contains(site.told.count), "a counter is no news")
        #expect(site.told.last?.localLinks.first?.receivedDelta == 5)
    }

    @Test func whatAPeersConfigurationHasOtherwise() throws {
        var site = try Site()
        let peer = { (site: Site) throws in try #require(site.coordinator.peers[2]) }
        #expect(site.coordinator.difference(from: try peer(site)) == nil)
        let ours = site.coordinator.configuration.policyDigest
        for (digest, expected) in [(nil, .either), (ours, .links), (ours + 1, .policy)]
            as [(UInt64?, Coordinator.Difference)]
        {
            site.coordinator.peers[2]?.view?.configurationHash = 1
            site.coordinator.peers[2]?.view?.policyDigest = digest
            #expect(site.coordinator.difference(from: try peer(site)) == expected)
        }
    }

    @Test func afterAnAbsenceNobodyIsAccused() throws {
        var site = try Site()
        site.time.milliseconds += 30_000
        site.tick()
        #expect(site.coordinator.isLate(at: site.time.now))
        site.run(milliseconds: 3000)
        #expect(site.published["hb-score"] == "1000" && !site.coordinator.isLate(at: site.time.now))
    }

    /// Whatever arrives in the group is counted, never believed and never fatal.
    @Test func hostileMessages() throws {
        var site = try Site()
        var generator = SeededGenerator(seed: 3)
        let before = site.published
        for _ in 0..<5000 {
            let count = Int.random(in: 0...200, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            site.coordinator.handle(.message(sender: 2, bytes: bytes), at: site.time.now)
        }
        site.run(milliseconds: 2000)
        #expect(site.coordinator.rejectedMessages == 5000 && site.published == before)
    }
}
