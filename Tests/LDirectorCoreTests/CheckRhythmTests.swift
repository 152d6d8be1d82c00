// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LDirectorCore

/// When checks are due.
struct CheckRhythmTests {
    private let start = SuspendingClock.now

    @Test(arguments: [Duration.milliseconds(20), .milliseconds(333), .seconds(1), .seconds(10)])
    func noGapIsLongerThanTheIntervalNorShorterThanHalf(interval: Duration) {
        for number in 1...200 {
            let rhythm = CheckRhythm(interval, number: number, from: start)
            var check = start + .milliseconds(number % 7)
            for turn in 0..<6 {
                let next = rhythm.next(after: check)
                #expect(next - check <= interval + .nanoseconds(100))
                #expect(next - check >= interval / 2)
                if turn >= 2 {
                    #expect(abs((next - check) / interval - 1) < 1e-6, "in its place from the third check on")
                }
                check = next
            }
        }
    }

    @Test func placesAreSpreadEvenly() {
        let interval = Duration.seconds(10)
        var counts = [Int](repeating: 0, count: 100)
        for number in 1...1000 {
            let place = CheckRhythm(interval, number: number, from: start).anchor - start
            counts[Int(place / interval * 100)] += 1
        }
        #expect(counts.allSatisfy { (8...12).contains($0) }, "\(counts)")
    }

    @Test func theSameNumberHasTheSamePlace() {
        let one = CheckRhythm(.seconds(1), number: 17, from: start)
        #expect(one == CheckRhythm(.seconds(1), number: 17, from: start))
    }

    @Test func afterAStandstillEverybodyReturnsToItsPlace() {
        let interval = Duration.seconds(1)
        let late = start + .seconds(20)
        var places: Set<Int> = []
        for number in 1...50 {
            let rhythm = CheckRhythm(interval, number: number, from: start)
            // All were due meanwhile, all are made at once.
            var check = late
            for _ in 0..<3 {
                check = rhythm.next(after: check)
            }
            places.insert(Int((check - start) / .milliseconds(10)) % 100)
        }
        #expect(places.count > 40)
    }
}
