// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HeartbeatCore

/// One row of the truth table for two nodes; nil pings means that there are no targets.
struct TruthRow: Sendable, CustomTestStringConvertible {
    let name: String
    var carriers = (true, true)
    var hears = (true, true)
    var pings: (Int?, Int?) = (nil, nil)
    var receives = (true, true)
    let reason: VerdictReason
    var faulty: Set<NodeID> = []

    var testDescription: String { name }

    /// The evidence of nodes 1 and 2; mirrored, node 1 is in the place of node 2.
    func views(mirrored: Bool, targets: Int = 2) -> [LinkEvidence] {
        let first = LinkEvidence(
            node: mirrored ? 2 : 1,
            hasCarrier: carriers.0,
            pingTotal: pings.0 == nil ? 0 : targets,
            pingAlive: pings.0 ?? 0,
            receives: receives.0,
            hears: [mirrored ? 1 : 2: hears.0]
        )
        let second = LinkEvidence(
            node: mirrored ? 1 : 2,
            hasCarrier: carriers.1,
            pingTotal: pings.1 == nil ? 0 : targets,
            pingAlive: pings.1 ?? 0,
            receives: receives.1,
            hears: [mirrored ? 2 : 1: hears.1]
        )
        return [first, second]
    }

    static let cut = (false, false)
    static let deaf = (false, true)

    /// Every row of the table; the mirrored ones follow from these.
    static let all: [TruthRow] = [
        TruthRow(name: "1 all well", reason: .ok),
        TruthRow(name: "1 all well, equal pings", pings: (2, 2), reason: .ok),
        TruthRow(
            name: "2 no carrier",
            carriers: (false, true),
            hears: cut,
            pings: (0, 2),
            reason: .carrier,
            faulty: [1]
        ),
        TruthRow(
            name: "2 no carrier, whatever pings say",
            carriers: (false, true),
            pings: (2, 0),
            reason: .carrier,
            faulty: [1]
        ),
        TruthRow(name: "4 no carrier on both", carriers: (false, false), hears: cut, pings: (0, 0), reason: .linkBoth),
        TruthRow(name: "5 fewer pings", pings: (2, 1), reason: .pingFewer, faulty: [2]),
        TruthRow(name: "5 no pings", pings: (2, 0), reason: .pingFewer, faulty: [2]),
        TruthRow(name: "7 targets dead", pings: (0, 0), reason: .pingTargetsDead),
        TruthRow(name: "8 cut, one reaches its targets", hears: cut, pings: (1, 0), reason: .cutAndPing, faulty: [2]),
        TruthRow(name: "10 cut, both reach the world", hears: cut, pings: (2, 2), reason: .pathBetween),
        TruthRow(name: "11 cut, nobody reaches anything", hears: cut, pings: (0, 0), reason: .upstreamDead),
        TruthRow(name: "12 cut, no pings", hears: cut, reason: .cutUndecided),
        TruthRow(
            name: "12 cut, one receives nothing",
            hears: cut,
            receives: (false, true),
            reason: .noReception,
            faulty: [1]
        ),
        TruthRow(name: "12 cut, nobody receives", hears: cut, receives: (false, false), reason: .cutUndecided),
        TruthRow(name: "13 deaf, the other's pings dead", hears: deaf, pings: (2, 0), reason: .sendDead, faulty: [2]),
        TruthRow(name: "14 deaf, its pings dead", hears: deaf, pings: (0, 2), reason: .receiveDead, faulty: [1]),
        TruthRow(name: "15 deaf, both reach the world", hears: deaf, pings: (2, 2), reason: .oneWayPath),
        TruthRow(name: "16 deaf, no pings", hears: deaf, reason: .oneWayUndecided),
        TruthRow(name: "16 deaf, pings dead", hears: deaf, pings: (0, 0), reason: .oneWayUndecided),
        TruthRow(
            name: "16 deaf and nothing received",
            hears: deaf,
            receives: (false, true),
            reason: .receiveDead,
            faulty: [1]
        ),
    ]
}

@Suite struct LinkDecisionTests {
    @Test(arguments: TruthRow.all) func row(_ row: TruthRow) {
        let verdict = LinkDecision.verdict(row.views(mirrored: false))
        #expect(verdict == LinkVerdict(row.reason, faulty: row.faulty))
    }

    @Test(arguments: TruthRow.all) func mirroredRow(_ row: TruthRow) {
        let verdict = LinkDecision.verdict(row.views(mirrored: true))
        #expect(verdict == LinkVerdict(row.reason, faulty: Set(row.faulty.map { 3 - $0 })))
    }

    @Test(arguments: TruthRow.all) func orderOfViewsDoesNotMatter(_ row: TruthRow) {
        let views = row.views(mirrored: false)
        #expect(LinkDecision.verdict(views) == LinkDecision.verdict(views.reversed()))
    }

    @Test func pingDeltaAsksForMore() {
        let views = TruthRow(name: "", pings: (2, 1), reason: .ok).views(mirrored: false)
        #expect(LinkDecision.verdict(views, pingDelta: 2).faulty.isEmpty)
    }

    /// Alive and total of two nodes that hear each other, and who is at fault.
    @Test(
        arguments: [
            (1, 1, 2, 2, 1, []), (1, 1, 1, 2, 1, [2]), (1, 1, 0, 2, 1, [2]), (1, 2, 2, 3, 1, []), (1, 4, 1, 2, 1, [1]),
            (0, 1, 0, 3, 1, []), (2, 3, 1, 1, 1, [1]), (2, 3, 1, 1, 2, []), (0, 3, 1, 1, 2, [1]), (5, 6, 5, 5, 1, [1]),
        ] as [(Int, Int, Int, Int, Int, Set<NodeID>)]
    )
    func unlikeNumbersOfTargetsCompareByFractions(
        alive: Int,
        total: Int,
        otherAlive: Int,
        otherTotal: Int,
        delta: Int,
        faulty: Set<NodeID>
    ) {
        let first = LinkEvidence(node: 1, pingTotal: total, pingAlive: alive, hears: [2: true])
        let second = LinkEvidence(node: 2, pingTotal: otherTotal, pingAlive: otherAlive, hears: [1: true])
        #expect(LinkDecision.verdict([first, second], pingDelta: delta).faulty == faulty)
        #expect(LinkDecision.verdict([second, first], pingDelta: delta).faulty == faulty)
    }

    /// ipfail asks nothing but how many ping targets answer.
    @Test(arguments: TruthRow.all) func byTheRuleOfIpfail(_ row: TruthRow) {
        for isMirrored in [false, true] {
            let views = row.views(mirrored: isMirrored)
            let verdict = LinkDecision.verdict(views, policy: .ipfail)
            let fewer = views.min { $0.pingAlive < $1.pingAlive }
            let areEqual = views.allSatisfy { $0.pingAlive == views[0].pingAlive }
            #expect(verdict.faulty == (areEqual ? [] : Set([fewer].compactMap { $0?.node })))
            #expect(LinkDecision.verdict(views, silent: 1, policy: .ipfail) == LinkDecision.verdict(views, silent: 1))
        }
        #expect(LinkTimers().patience(with: .pingFewer, policy: .ipfail) == LinkTimers().keepalive * 2)
    }

    @Test func threeDecideByTheTableAlways() {
        let views = (1...3).map { node in
            LinkEvidence(node: NodeID(node), pingTotal: 2, pingAlive: node == 1 ? 2 : 1, hears: [:])
        }
        #expect(LinkDecision.verdict(views, policy: .ipfail) == LinkDecision.verdict(views))
    }

    @Test func aloneAndSolo() {
        let own = LinkEvidence(node: 1, hasCarrier: false)
        #expect(LinkDecision.verdict([own]) == LinkVerdict(.alone))
        #expect(LinkDecision.verdict([own], silent: 1) == LinkVerdict(.solo))
        #expect(LinkDecision.solo(own, pingsDeadFor: nil, confirm: .seconds(5)) == LinkVerdict(.carrier, faulty: [1]))
        let carried = LinkEvidence(node: 1)
        #expect(LinkDecision.solo(carried, pingsDeadFor: .seconds(4), confirm: .seconds(5)).faulty.isEmpty)
        #expect(LinkDecision.solo(carried, pingsDeadFor: .seconds(5), confirm: .seconds(5)).faulty == [1])
    }

    @Test func oneDeafOfThreeIsAtFault() {
        let views = [
            LinkEvidence(node: 1, hears: [2: true, 3: false]),
            LinkEvidence(node: 2, hears: [1: true, 3: false]),
            LinkEvidence(node: 3, hears: [1: false, 2: false]),
        ]
        #expect(LinkDecision.verdict(views) == LinkVerdict(.minority, faulty: [3]))
    }

    @Test func noMajorityNobodyAtFault() {
        let views = (1...4).map { (node: NodeID) in
            LinkEvidence(node: node, hears: Dictionary(uniqueKeysWithValues: (1...4).map { ($0, $0 % 2 == node % 2) }))
        }
        #expect(LinkDecision.verdict(views) == LinkVerdict(.noMajority))
    }

    /// Generated cases of 1 to 5 nodes: never all at fault, the order does not matter, names do not matter, and better
    /// evidence for a node never makes it the accused.
    @Test func generated() {
        var generator = SeededGenerator(seed: 20_261_121)
        for _ in 0..<20_000 {
            let nodes = (1...Int.random(in: 2...5, using: &generator)).map { NodeID($0) }
            let views = nodes.map { node in
                var view = LinkEvidence(node: node)
                view.hasCarrier = Int.random(in: 0...4, using: &generator) > 0
                view.pingTotal = Int.random(in: 0...2, using: &generator)
                view.pingAlive = Int.random(in: 0...view.pingTotal, using: &generator)
                view.receives = Bool.random(using: &generator)
                for other in nodes where other != node && Int.random(in: 0...9, using: &generator) > 0 {
                    view.hears[other] = Bool.random(using: &generator)
                }
                return view
            }
            let verdict = LinkDecision.verdict(views)
            #expect(verdict.faulty.count < nodes.count, "\(views)")
            #expect(LinkDecision.verdict(views.shuffled(using: &generator)) == verdict)
            let renamed = views.map { view in
                var view = view
                view.node = 100 - view.node
                view.hears = Dictionary(uniqueKeysWithValues: view.hears.map { (100 - $0.key, $0.value) })
                return view
            }
            if nodes.count == 2 {
                #expect(LinkDecision.verdict(renamed).faulty == Set(verdict.faulty.map { 100 - $0 }), "\(views)")
                expectMonotone(views, verdict)
            }
        }
    }

    private func expectMonotone(_ views: [LinkEvidence], _ verdict: LinkVerdict) {
        for index in views.indices where !verdict.faulty.contains(views[index].node) {
            var better = views
            better[index].hasCarrier = true
            better[index].pingAlive = better[index].pingTotal
            // Without carrier nothing was compared yet, so the comparison may speak now.
            if views[index].hasCarrier, better[index].pingTotal == better[1 - index].pingTotal {
                #expect(!LinkDecision.verdict(better).faulty.contains(views[index].node), "\(views)")
            }
        }
    }
}

/// A small reproducible generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
