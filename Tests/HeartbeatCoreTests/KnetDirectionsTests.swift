// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HeartbeatCore

@Suite struct KnetDirectionsTests {
    /// What is known after readings (pings, pongs), a second apart.
    private func after(_ readings: [(UInt64, UInt64)]) -> KnetDirections {
        var time = TestTime()
        var directions = KnetDirections(window: .seconds(2))
        for (pings, pongs) in readings {
            directions.note(.init(receivedPings: pings, receivedPongs: pongs), at: time.now)
            time.milliseconds += 1000
        }
        return directions
    }

    @Test func nothingBeforeTheWindowIsFull() {
        #expect(after([(1, 1), (2, 2)]).hears == nil)
    }

    @Test func both() {
        let directions = after([(1, 1), (5, 5), (9, 9)])
        #expect(directions.hears == true && directions.isHeard == true)
    }

    @Test func theDeafSideHearsNothingAndKnowsNoMore() {
        let directions = after([(9, 9), (9, 9), (9, 9)])
        #expect(directions.hears == false && directions.isHeard == nil)
    }

    @Test func theOtherSideHearsPingsButGetsNoAnswers() {
        let directions = after([(1, 9), (5, 9), (9, 9)])
        #expect(directions.hears == true && directions.isHeard == false)
    }

    @Test func clearedCountersAreNoFault() {
        let directions = after([(100, 100), (104, 104), (0, 0), (4, 4)])
        #expect(directions.hears == nil && directions.isHeard == nil)
    }
}
