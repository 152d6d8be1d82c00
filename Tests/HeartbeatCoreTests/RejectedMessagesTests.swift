// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HeartbeatCore

@Suite struct RejectedMessagesTests {
    @Test func aFloodIsToldTenTimesASecondAndNoneIsLost() throws {
        var time = TestTime()
        var rejected = RejectedMessages()
        #expect(rejected.take(at: time.now) == nil, "nothing to tell")
        var told = 0
        var events = 0
        for number in 0..<5000 {
            rejected.add(from: number == 0 ? 2 : 3, because: .truncated)
            if case .rejected(let count, let sender, _) = rejected.take(at: time.now) {
                told += count
                events += 1
                #expect(sender == (events == 1 ? 2 : 3))
            }
            if number % 5 == 0 {
                time.milliseconds += 1
            }
        }
        #expect(events == 11)
        time.milliseconds += 100
        if case .rejected(let count, _, _) = rejected.take(at: time.now) {
            told += count
        }
        #expect(told == 5000)
        #expect(rejected.take(at: time.now) == nil)
    }
}
