// SPDX-License-Identifier: Apache-2.0
import ConfigSyncCore
import Testing

/// Whatever happens in whatever order: no edit is overwritten that nobody gave up, and in the end all have the same file.
@Suite struct RandomSiteTests {
    @Test(arguments: 1...100 as ClosedRange<UInt64>)
    func nothingIsLost(seed: UInt64) {
        var random = Seeded(state: seed)
        let count = NodeID(seed.isMultiple(of: 3) ? 3 : 2)
        // Some runs copy texts of others or of former times: who ends at the same bytes by another way has nothing to lose,
        // but the books, which go by edits, cannot know that.
        let copies = seed.isMultiple(of: 4)
        var site = Site(Int(count))
        for step in 0..<120 {
            let node = NodeID.random(in: 1...count, using: &random)
            switch Int.random(in: 0..<26, using: &random) {
            case 0: site.edit(node, "edit \(step)", asks: Bool.random(using: &random))
            case 1: site.edit(node, "bad \(step)")
            case 2 where copies:
                let text = site.text(NodeID.random(in: 1...count, using: &random)) ?? "first"
                site.edit(node, text)
            case 3 where site[node].isUp: site.stop(node)
            case 4 where !site[node].isUp: site.start(node)
            case 5:
                site[node].isCutOff.toggle()
                site.regroup()
            case 6 where site[node].isUp:
                _ = site.decide(on: node, for: NodeID.random(in: 1...count, using: &random))
            case 7: site[node].isReadOnly.toggle()
            case 8: _ = site.work(node, crash: true)
            case 9:
                site.time += .seconds(Int.random(in: 1...40, using: &random))
                site.directors.keys.sorted().forEach { site.handle($0, .tick) }
            case 10...16: _ = site.work(node)
            default: _ = site.deliver()
            }
        }
        bringBack(&site, count)
        site.settle()
        #expect(copies || site.complaints == [], "seed \(seed)")
        if !site.isEqual {
            // Somebody has to decide, and says so everywhere; the decision ends it.
            let known = site.directors.values.map { $0.machine.conflicts.count }
            #expect(known.allSatisfy { $0 > 0 }, "seed \(seed): \(site.log.suffix(12))")
            let token = site.decide(on: 1, for: count)
            site.settle()
            #expect(site.answers[token]?.outcome == .everywhere, "seed \(seed): \(site.answers[token]?.text ?? "none")")
        }
        #expect(site.isEqual, "seed \(seed): \(site.log.suffix(12))")
        #expect(copies || site.complaints == [], "seed \(seed)")
        let sent = site.sent
        site.settle(10)
        #expect(site.sent == sent, "seed \(seed): they go on talking")
    }

    private func bringBack(_ site: inout Site, _ count: NodeID) {
        for node in 1...count {
            site[node].isReadOnly = false
            site[node].isCutOff = false
            if !site[node].isUp {
                site.start(node)
            }
        }
        site.regroup()
        site.settle()
        for node in 1...count where site.text(node)?.hasPrefix("bad") ?? true {
            site.edit(node, "mended on \(node)")
        }
    }
}
