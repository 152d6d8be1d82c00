// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import SyncRelayCore

/// Relays joined by a process group in memory: one order for all, one's own messages included.
private struct Group {
    var engines: [UInt32: RelayEngine] = [:]
    var injected: [UInt32: [SyncConnection]] = [:]
    var logs: [UInt32: [String]] = [:]
    /// What each director's kernel would tell of its table.
    var tables: [UInt32: [SyncConnection]] = [:]
    var local: [UInt32: Set<ConnectionKey>] = [:]
    /// Envelopes with data that are lost on their way.
    var loses: (RelayEnvelope) -> Bool = { _ in false }
    var lane = RelayEngine.Lane.group
    var now = SuspendingClock.now

    mutating func start(_ node: UInt32, _ settings: RelaySettings = RelaySettings()) {
        var engine = RelayEngine(settings, incarnation: UInt64(node) << 32 | UInt64.random(in: 1...1 << 20), at: now)
        engine.joined(as: node, at: now)
        engines[node] = engine
        changeMembers()
    }

    mutating func stop(_ node: UInt32) {
        engines[node] = nil
        changeMembers()
    }

    mutating func changeMembers() {
        let all = engines.keys.sorted()
        for node in all {
            engines[node]?.members(all, at: now)
        }
        run(for: .zero)
    }

    mutating func capture(_ node: UInt32, _ connections: [SyncConnection], syncID: UInt8 = 1) {
        engines[node]?.captured(Sample.datagram(connections, syncID: syncID), at: now)
    }

    /// Lets time pass.
    mutating func run(for time: Duration, step: Duration = .milliseconds(20)) {
        let end = now + time
        repeat {
            for node in engines.keys.sorted() {
                engines[node]?.tick(at: now)
            }
            deliver()
            now += step
        } while now < end
    }

    private mutating func deliver() {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for node in engines.keys.sorted() {
                for effect in engines[node]?.takeEffects() ?? [] {
                    isQuiet = false
                    perform(effect, node)
                }
            }
        }
    }

    private mutating func perform(_ effect: RelayEffect, _ node: UInt32) {
        switch effect {
        case .sendData(let bytes):
            if let envelope = try? RelayEnvelope(decoding: bytes), !loses(envelope) {
                multicast(bytes, node, lane)
            }
        case .sendControl(let bytes): multicast(bytes, node, .group)
        case .inject(let bytes):
            guard let datagram = try? SyncDatagram(bytes) else {
                Issue.record("an injected datagram is malformed")
                return
            }
            #expect(datagram.syncID == 2)
            injected[node, default: []] += datagram.records.compactMap { datagram.connection($0) }
        case .countTable:
            let own = UInt32(local[node]?.count ?? 0)
            engines[node]?.counted(local: own, total: UInt32(tables[node]?.count ?? 0), at: now)
        case .readLocalKeys: engines[node]?.localKeys(local[node] ?? [], at: now)
        case .sendSnapshot(let id, let scope):
            guard let engine = engines[node] else {
                return
            }
            let told = (tables[node] ?? []).filter { scope == .all || local[node]?.contains($0.key) == true }
            let content = RelayEnvelope.Content.snapshotData(id, [Sample.datagram(told)])
            multicast(engine.envelope(content, node), node, .group)
            let end = RelayEnvelope.Content.snapshotEnd(id, parts: 1, records: UInt32(told.count), skipped: 0)
            multicast(engine.envelope(end, node), node, .group)
        case .log(_, let text): logs[node, default: []].append(text)
        }
    }

    private mutating func multicast(_ bytes: [UInt8], _ sender: UInt32, _ lane: RelayEngine.Lane) {
        for node in engines.keys.sorted() where lane == .group || node != sender {
            engines[node]?.received(bytes, from: sender, over: lane, at: now)
        }
    }
}

@Suite struct RelayEngineTests {
    private func ports(_ connections: [SyncConnection]?) -> [UInt16] { (connections ?? []).map(\.key.client.port) }

    @Test func everyConnectionArrivesOnceAtAllOthers() {
        var group = Group()
        for node in 1...3 as ClosedRange<UInt32> {
            group.start(node)
        }
        for number in 1...100 as ClosedRange<UInt16> {
            group.capture(1, [Sample.connection(number)])
            group.run(for: .milliseconds(5), step: .milliseconds(1))
        }
        group.run(for: .milliseconds(100))
        group.capture(2, [Sample.connection(999)])
        group.run(for: .milliseconds(100))
        #expect(ports(group.injected[3]) == Array(1...100) + [999])
        #expect(ports(group.injected[2]) == Array(1...100))
        #expect(ports(group.injected[1]) == [999])
        #expect(group.engines[1]?.statistics.sentEnvelopes ?? 0 < 80)
        #expect(group.engines[3]?.peers[1]?.records == 100)
        #expect(group.engines[3]?.peers[1]?.sequence.missing == 0)
        #expect(group.engines[1]?.deliveryTime != nil)
    }

    @Test func onlyTheWantedServicesAreTaken() {
        var group = Group()
        group.start(1)
        var settings = RelaySettings()
        settings.services = ServiceFilter("10.0.0.9:80,10.0.0.2:443") ?? ServiceFilter()
        group.start(2, settings)
        group.start(3)
        var wanted = Sample.connection(2)
        wanted.key.virtual.port = 443
        group.capture(1, [Sample.connection(1), wanted, Sample.connection(3)])
        group.run(for: .milliseconds(100))
        #expect(ports(group.injected[2]) == [2])
        #expect(ports(group.injected[3]) == [1, 2, 3])
        #expect(group.engines[2]?.statistics.unwantedRecords == 2)
        #expect(group.engines[2]?.memory.counts(at: group.now).total == 1)
    }

    @Test func aListOfServicesIsReadOrRefused() throws {
        let filter = try #require(ServiceFilter("10.0.0.2,[2001:db8::2]:80,10.0.0.3:53"))
        #expect(filter.takes(Sample.connection().key) && filter.takes(Sample.connection(isIPv6: true).key))
        var other = Sample.connection(isIPv6: true).key
        other.virtual.port = 81
        #expect(!filter.takes(other))
        other.transport = 0
        #expect(filter.takes(other))
        for wrong in [
            "", ",", "10.0.0.2,", "a", "10.0.0.2:0", "10.0.0.2:65536", "[10.0.0.2]:80", "2001:db8::2]:80", ":80",
            "[]:80",
        ] {
            #expect(ServiceFilter(wrong) == nil, "\(wrong)")
        }
    }

    @Test func whatWasInjectedIsNotForwarded() {
        var group = Group()
        group.start(1)
        group.start(2)
        group.capture(1, [Sample.connection(1)], syncID: 2)
        group.capture(1, [Sample.connection(2)], syncID: 9)
        group.engines[1]?.captured([1, 2, 3], at: group.now)
        group.run(for: .milliseconds(100))
        #expect(group.injected[2] == nil)
        let counts = group.engines[1]?.statistics
        #expect([counts?.echoes, counts?.foreign, counts?.malformed] == [1, 1, 1])
        #expect(group.logs[1]?.contains { $0.contains("carries what we inject") } == true)
    }

    @Test func aLateDirectorGetsEverythingFromWhoKnowsMost() {
        var group = Group()
        group.tables[1] = (1...3).map { Sample.connection($0) }
        group.local[1] = Set(group.tables[1]?.map(\.key) ?? [])
        group.tables[2] = (1...10).map { Sample.connection($0) }
        group.local[2] = [Sample.connection(10).key]
        group.start(1)
        group.start(2)
        group.run(for: .seconds(2))
        group.injected = [:]
        group.start(3)
        group.run(for: .seconds(2))
        #expect(group.engines[3]?.planner.isSettled == true)
        // All from node 2, then from node 1 what was opened there.
        #expect(ports(group.injected[3]) == Array(1...10) + [1, 2, 3])
        #expect(group.injected[1] == nil && group.injected[2] == nil)
    }

    @Test func aRestartedRelayGivesAndTakes() {
        var group = Group()
        group.tables[1] = [Sample.connection(1), Sample.connection(2)]
        group.local[1] = [Sample.connection(1).key]
        group.tables[2] = [Sample.connection(2), Sample.connection(3)]
        group.local[2] = [Sample.connection(2).key, Sample.connection(3).key]
        group.start(1)
        group.start(2)
        group.run(for: .seconds(2))
        group.injected = [:]
        group.stop(1)
        group.run(for: .seconds(1))
        group.start(1)
        group.run(for: .seconds(12))
        #expect(ports(group.injected[1]) == [2, 3])
        #expect(ports(group.injected[2]) == [1])
        // What is known better here is spared.
        group.tables[2]?.append(Sample.connection(1))
        group.injected = [:]
        group.engines[1]?.resync(at: group.now)
        group.run(for: .seconds(2))
        #expect(ports(group.injected[1]) == [2, 3])
        #expect(group.engines[1]?.planner.last?.spared == 1)
    }

    @Test func dataThatCameAfterTheRequestIsNewer() {
        var group = Group()
        group.tables[1] = [Sample.connection(1), Sample.connection(2)]
        group.start(1)
        group.run(for: .seconds(1))
        var engine = RelayEngine(RelaySettings(), incarnation: 5, at: group.now)
        engine.joined(as: 2, at: group.now)
        engine.members([1, 2], at: group.now)
        let send = { (engine: inout RelayEngine, content: RelayEnvelope.Content, sequence: UInt64) in
            let envelope = RelayEnvelope(node: 1, incarnation: 7, sequence: sequence, content: content)
            engine.received(envelope.bytes, from: 1, over: .group, at: group.now)
        }
        send(&engine, .hello(local: 0, total: 2), 0)
        engine.tick(at: group.now)
        engine.localKeys([], at: group.now)
        let request = engine.takeEffects().compactMap { effect -> RelayEnvelope.SnapshotID? in
            guard case .sendControl(let bytes) = effect, let envelope = try? RelayEnvelope(decoding: bytes),
                case .snapshotRequest(let id, target: 1, .all) = envelope.content
            else {
                return nil
            }
            return id
        }.first
        guard let request else {
            Issue.record("nothing was asked for")
            return
        }
        send(&engine, .data([Sample.datagram([Sample.connection(1, state: 4)])]), 1)
        send(&engine, .snapshotData(request, [Sample.datagram([Sample.connection(1), Sample.connection(2)])]), 1)
        send(&engine, .snapshotEnd(request, parts: 1, records: 2, skipped: 0), 1)
        let states = engine.takeEffects().flatMap { effect -> [[UInt16]] in
            guard case .inject(let bytes) = effect, let datagram = try? SyncDatagram(bytes) else {
                return []
            }
            return datagram.records.compactMap { datagram.connection($0) }.map { [$0.key.client.port, $0.state] }
        }
        #expect(states == [[1, 4], [2, 1]])
        #expect(engine.planner.last?.isComplete == true)
    }

    @Test func whatIsLostIsAskedForAgain() {
        var group = Group()
        group.lane = .datagram
        var settings = RelaySettings()
        settings.dataComesBack = false
        group.start(1, settings)
        group.start(2, settings)
        group.run(for: .seconds(1))
        group.loses = { $0.sequence == 2 }
        group.tables[1] = (1...3).map { Sample.connection($0) }
        group.local[1] = Set(group.tables[1]?.map(\.key) ?? [])
        for number in 1...3 as ClosedRange<UInt16> {
            group.capture(1, [Sample.connection(number)])
            group.run(for: .milliseconds(100))
        }
        #expect(ports(group.injected[2]) == [1, 3])
        group.injected = [:]
        group.run(for: .seconds(70))
        #expect(ports(group.injected[2]) == [1, 2, 3])
        #expect(group.engines[2]?.peers[1]?.sequence.missing == 1)
        #expect(group.logs[2]?.contains { $0.contains("1 envelopes of node 1 are lost") } == true)
    }

    @Test func datagramsOfAnUnknownRunAreRefused() {
        var group = Group()
        group.start(1)
        group.start(2)
        group.run(for: .seconds(1))
        let envelope = RelayEnvelope(
            node: 2,
            incarnation: 1,
            sequence: 1,
            content: .data([Sample.datagram([Sample.connection(1)])])
        )
        group.engines[1]?.received(envelope.bytes, from: 2, over: .datagram, at: group.now)
        group.engines[1]?.received(envelope.bytes, from: 3, over: .datagram, at: group.now)
        group.run(for: .milliseconds(100))
        #expect(group.injected[1] == nil)
        #expect(group.engines[1]?.statistics.badEnvelopes == 1)
    }

    @Test func whatIsTooMuchIsDroppedAndCounted() {
        var settings = RelaySettings()
        settings.byteRate = 20_000
        settings.backlogLimit = 20_000
        var group = Group()
        group.start(1, settings)
        group.start(2)
        group.run(for: .seconds(1))
        for round in 0..<200 as Range<UInt16> {
            group.capture(1, (0..<40).map { Sample.connection(1 + round * 40 + $0) })
            group.capture(1, (0..<40).map { Sample.connection(1 + $0) })
            group.run(for: .milliseconds(10), step: .milliseconds(1))
        }
        group.run(for: .seconds(12))
        let counts = group.engines[1]?.statistics
        #expect(counts?.droppedEnvelopes ?? 0 > 0)
        #expect(counts?.savedRefreshes ?? 0 > 1000)
        // While there was something to send, and what fits into the bucket.
        #expect(counts?.sentBytes ?? .max < 20_000 * 6)
        let missing = group.engines[2]?.peers[1]?.sequence.missing
        #expect(missing ?? 0 > 0 && missing == counts?.droppedEnvelopes)
    }

    @Test func nothingStaleIsSentAfterASeparation() {
        var group = Group()
        group.start(1)
        group.start(2)
        group.run(for: .seconds(1))
        group.engines[1]?.separated("gone", at: group.now)
        group.capture(1, [Sample.connection(1)])
        group.run(for: .seconds(1))
        group.engines[1]?.joined(as: 1, at: group.now)
        group.changeMembers()
        group.capture(1, [Sample.connection(2)])
        group.run(for: .seconds(1))
        #expect(ports(group.injected[2]) == [2])
        #expect(group.engines[1]?.statistics.unsent == 1)
    }

    /// Whatever comes from a member, nothing traps and nothing malformed reaches the kernel.
    @Test(arguments: [31, 32] as [UInt64]) func fuzz(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var group = Group()
        group.start(1)
        group.start(2)
        group.run(for: .seconds(1))
        for _ in 0..<5000 {
            var datagram = Sample.datagram([Sample.connection(.random(in: 0...9, using: &random))])
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                datagram[Int.random(in: 0..<datagram.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            let id = RelayEnvelope.SnapshotID(requester: 1, number: .random(in: 0...3, using: &random))
            let content: RelayEnvelope.Content =
                switch Int.random(in: 0...5, using: &random) {
                case 0: .snapshotData(id, [datagram])
                case 1: .hello(local: .random(in: 0...5, using: &random), total: 5)
                case 2: .snapshotEnd(id, parts: .max, records: .max, skipped: .max)
                case 3: .snapshotRequest(id, target: 1, .all)
                default: .data([datagram])
                }
            let envelope = RelayEnvelope(
                node: 2,
                incarnation: .random(in: 1...2, using: &random),
                sequence: .random(in: 0...UInt64.max, using: &random),
                content: content
            )
            group.engines[1]?.received(envelope.bytes, from: 2, over: .group, at: group.now)
            group.run(for: .milliseconds(1), step: .milliseconds(1))
        }
    }
}
