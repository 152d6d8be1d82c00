// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HeartbeatCore

@Suite struct LinkEndTests {
    private static let keepalive = Duration.milliseconds(200)

    private func end() throws -> LinkEnd {
        LinkEnd(link: 0, address: try #require(IPAddress("10.0.0.1")))
    }

    private func probe(_ sequence: UInt64, incarnation: UInt64 = 7, echoAge: UInt32 = 0) -> ProbeDatagram {
        ProbeDatagram(
            link: 0,
            flags: 0,
            source: 2,
            destination: 1,
            sourceIncarnation: incarnation,
            destinationIncarnation: 0,
            sequence: sequence,
            sentAt: 0,
            echo: 0,
            echoAgeMilliseconds: echoAge,
            hears: 1,
            pings: 0,
            carriers: 1,
            keyID: 0
        )
    }

    @Test func everyProbeCountsOnceAlsoWhenOvertaken() throws {
        let end = try end()
        let now = TestTime().now
        for sequence in [1, 2, 5, 4, 3, 100, 99] as [UInt64] {
            #expect(end.accept(probe(sequence), at: now) != nil, "\(sequence)")
        }
        for sequence in [100, 99, 5, 36] as [UInt64] {
            #expect(end.accept(probe(sequence), at: now) == nil, "\(sequence)")
        }
        #expect(end.accept(probe(37), at: now) != nil)
        #expect(end.accept(probe(1, incarnation: 8), at: now) != nil)
    }

    /// Generated orders of generated numbers: what was taken once is never taken again.
    @Test func replaysAreNeverTaken() throws {
        var generator = SeededGenerator(seed: 11)
        let end = try end()
        var taken: Set<UInt64> = []
        for _ in 0..<20_000 {
            let sequence = UInt64.random(in: 1...2000, using: &generator)
            if end.accept(probe(sequence), at: TestTime().now) != nil {
                #expect(taken.insert(sequence).inserted)
            }
        }
    }

    /// How long after the last probe was sent the next is due.
    private func pause(heardAgo: Int64?, echoAge: UInt32 = 0, isLossy: Bool = false) throws -> Duration {
        let end = try end()
        var time = TestTime()
        if let heardAgo {
            _ = end.accept(probe(1, echoAge: echoAge), at: time.now)
            time.milliseconds += heardAgo
        }
        _ = end.nextProbe(from: 1, to: 2, incarnation: 1, content: ProbeContent(), keyID: 0, at: time.now)
        let beat = time.now + Self.keepalive
        return end.probeDue(to: 2, keepalive: Self.keepalive, isLossy: isLossy, beat: beat, at: time.now) - time.now
    }

    @Test func rhythm() throws {
        #expect(try pause(heardAgo: nil) == .milliseconds(200))
        #expect(try pause(heardAgo: 100) == .milliseconds(200))
        #expect(try pause(heardAgo: 200) == .milliseconds(120), "it becomes suspicious in between")
        #expect(try pause(heardAgo: 400) == .milliseconds(40))
        #expect(try pause(heardAgo: 4000) == .milliseconds(200), "a dead link is not hurried for ever")
        #expect(try pause(heardAgo: 0, echoAge: 500) == .milliseconds(40), "the peer does not hear us")
        #expect(try pause(heardAgo: 0, isLossy: true) == .milliseconds(50))
    }
}
