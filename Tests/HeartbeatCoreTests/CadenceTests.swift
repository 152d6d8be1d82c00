// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HeartbeatCore

/// Nodes that send at their beats and hear each other after a while, in steps of 100 us.
private struct Choir {
    static let interval = Duration.milliseconds(200)
    var cadences: [Cadence] = []
    var beats: [[Int64]] = []
    var arrivals: [(source: UInt32, at: Int64)] = []
    var microseconds: Int64 = 0

    init(phases: [Int64]) {
        for (index, phase) in phases.enumerated() {
            let start = MonotonicTime(nanoseconds: phase * 1_000_000)
            cadences.append(Cadence(node: UInt32(index + 1), interval: Self.interval, at: start))
        }
        beats = phases.map { _ in [] }
    }

    /// `loses` says whether what a node sends at a moment is lost.
    mutating func run(
        milliseconds: Int64,
        delay: Int64,
        loses: (UInt32, Int64) -> Bool = { _, _ in false }
    ) {
        let end = microseconds + milliseconds * 1000
        while microseconds < end {
            let now = MonotonicTime(nanoseconds: microseconds * 1000)
            for arrival in arrivals where arrival.at == microseconds {
                for index in cadences.indices where index + 1 != Int(arrival.source) {
                    cadences[index].heard(arrival.source, at: now)
                }
            }
            arrivals.removeAll { $0.at <= microseconds }
            for index in cadences.indices where cadences[index].due <= now {
                cadences[index].beat(at: now)
                beats[index].append(microseconds)
                let source = UInt32(index + 1)
                if !loses(source, microseconds) {
                    // Two links.
                    arrivals += [(source, microseconds + delay), (source, microseconds + delay + 100)]
                }
            }
            microseconds += 100
        }
    }

    /// All intervals between beats, in microseconds.
    var intervals: [Int64] { beats.flatMap { zip($0.dropFirst(), $0).map { $0 - $1 } } }
}

@Suite struct CadenceTests {
    @Test func aloneItKeepsItsPlan() {
        var choir = Choir(phases: [0])
        choir.run(milliseconds: 2000, delay: 200)
        #expect(choir.beats[0] == (1...9).map { $0 * 200_000 })
    }

    @Test(arguments: [[0, 77, 150], [150, 77, 0], [3, 0, 199], [0, 100, 100]] as [[Int64]])
    func allFindTheStepOfTheFirst(_ phases: [Int64]) throws {
        var choir = Choir(phases: phases)
        choir.run(milliseconds: 10_000, delay: 200)
        let lead = try #require(choir.beats[0].last)
        for beats in choir.beats.dropFirst() {
            let last = try #require(beats.last { $0 >= lead })
            #expect(last - lead <= 400, "microseconds after the first")
        }
        #expect(choir.intervals.allSatisfy { (190_000...207_000).contains($0) }, "\(choir.intervals)")
    }

    /// No delay of the network makes the nodes drive each other on, or hold each other up.
    @Test(arguments: [100, 1000, 5000, 50_000, 95_000, 100_000, 180_000, 199_000] as [Int64])
    func intervalsStayWhatTheyAre(_ delay: Int64) {
        var choir = Choir(phases: [0, 40, 120, 133])
        choir.run(milliseconds: 60_000, delay: delay)
        #expect(choir.intervals.allSatisfy { (190_000...207_000).contains($0) })
        for beats in choir.beats {
            #expect((290...316).contains(beats.count), "\(beats.count)")
        }
    }

    @Test func aSilentLeaderHoldsNobodyUp() {
        var choir = Choir(phases: [0, 50])
        choir.run(milliseconds: 5000, delay: 200)
        choir.run(milliseconds: 5000, delay: 200) { source, _ in source == 1 }
        #expect(choir.intervals.allSatisfy { (190_000...207_000).contains($0) })
        choir.run(milliseconds: 30_000, delay: 200) { _, time in time / 200_000 % 3 == 0 }
        #expect(choir.intervals.allSatisfy { (190_000...207_000).contains($0) }, "every third lost")
    }
}
