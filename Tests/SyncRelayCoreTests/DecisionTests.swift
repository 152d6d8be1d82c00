// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import SyncRelayCore

@Suite struct DecisionTests {
    @Test func missingLateAndRepeated() {
        var tracker = SequenceTracker(after: 10)
        let take = { (numbers: [UInt64]) in numbers.map { tracker.take($0) == .new } }
        #expect(take([11, 12, 15]) == [true, true, true])
        #expect(take([12, 13, 10]) == [false, true, false])
        #expect(tracker.missing == 1)
        tracker.advance(to: 20)
        #expect(tracker.missing == 6)
        #expect(take(Array(14...20)) == [true, false, true, true, true, true, true])
        #expect(tracker.missing == 0)
        #expect(tracker.duplicates == 3)
    }

    @Test func aNumberFarAheadLeavesNoOldMarks() {
        var tracker = SequenceTracker(after: 0)
        let near = (1...SequenceTracker.window).filter { tracker.take($0) == .new }
        #expect(near.count == SequenceTracker.window)
        let far = SequenceTracker.window * 10 + 5
        let verdicts = [far, far - 1, far - SequenceTracker.window].map { tracker.take($0) }
        #expect(verdicts == [.new, .new, .duplicate])
        #expect(tracker.missing == far - SequenceTracker.window - 2)
    }

    /// Any order and any repetition within the window gives the same counts.
    @Test func randomOrder() {
        var random = SeededGenerator(seed: 5)
        var tracker = SequenceTracker(after: 0)
        let numbers = (1...2000 as ClosedRange<UInt64>).filter { $0 % 7 != 0 }
        for number in (numbers + numbers).shuffled(using: &random) {
            _ = tracker.take(number)
        }
        #expect(tracker.received == UInt64(numbers.count))
        #expect(tracker.duplicates == UInt64(numbers.count))
        tracker.advance(to: 2000)
        #expect(tracker.missing == 2000 - UInt64(numbers.count))
    }

    @Test func bucket() {
        let start = SuspendingClock.now
        var bucket = TokenBucket(rate: 100, size: 10)
        let take = { (count: Int, amount: Double, time: Duration) in
            (0..<count).filter { _ in bucket.take(amount, at: start + time) }.count
        }
        #expect(take(20, 1, .zero) == 10)
        let wait = bucket.wait(at: start)
        #expect(wait > .zero)
        #expect(take(20, 1, .milliseconds(55)) == 6)
        #expect(take(1, 1000, .seconds(5)) == 1)
        #expect(take(1, 1, .seconds(6)) == 0)
        let fullness = bucket.fullness(at: start + .seconds(60))
        #expect(fullness == 1)
    }

    @Test func refreshes() {
        var filter = RefreshFilter()
        let isRefresh = { (number: UInt16, state: UInt16, timeout: UInt32) in
            filter.isRefresh(Sample.connection(number, state: state, timeout: timeout).record[...])
        }
        #expect(!isRefresh(1, 1, 900))
        #expect(isRefresh(1, 1, 850))
        #expect(!isRefresh(1, 4, 120))
        #expect(!isRefresh(2, 1, 900))
        #expect(isRefresh(1, 4, 110))
    }

    @Test func whoHasALongTableToReadIsWaitedFor() throws {
        var now = SuspendingClock.now
        var planner = ResyncPlanner(firstNumber: 1)
        planner.joined(at: now)
        planner.members([2], at: now)
        let early = planner.next(at: now)
        #expect(early == nil)
        planner.counted(2, local: RelayEnvelope.uncounted, total: 1_000_000)
        let first = planner.next(at: now)
        let request = try #require(first)
        #expect(request.scope == .all)
        // Before it leaves, the own table is read, for long.
        now += .seconds(30)
        planner.asked(at: now)
        for _ in 0..<100 {
            now += .seconds(9)
            let other = planner.next(at: now)
            #expect(other == nil)
            // A part without connections shows that there is more to look through.
            let isTaken = planner.part(request.number, from: 2, records: 0, spared: 0, at: now)
            #expect(isTaken)
        }
        planner.ended(request.number, from: 2, parts: 100, skipped: 0, at: now)
        #expect(planner.isSettled && planner.last?.isComplete == true && planner.last?.missingParts == 0)
        // Silence is not waited for: another request, with another number.
        planner.joined(at: now)
        let second = planner.next(at: now)
        let third = planner.next(at: now + .seconds(11))
        #expect(second?.number != third?.number && second?.scope == .all && third?.scope == .all)
    }

    @Test func whoStillCountsMayKnowMost() {
        let start = SuspendingClock.now
        var planner = ResyncPlanner(firstNumber: 1)
        planner.joined(at: start)
        planner.members([2, 3], at: start)
        planner.counted(2, local: 0, total: 0)
        let early = planner.next(at: start + .seconds(2))
        #expect(early == nil && !planner.isSettled)
        planner.counted(3, local: 0, total: 40_000)
        let request = planner.next(at: start + .seconds(3))
        #expect(request?.target == 3 && request?.scope == .all)
        // One that never tells is not waited for without end.
        var other = ResyncPlanner(firstNumber: 1)
        other.joined(at: start)
        other.members([2, 3], at: start)
        other.counted(2, local: 5, total: 0)
        let late = other.next(at: start + .seconds(11))
        #expect(late?.target == 2 && late?.scope == .local)
    }

    @Test func kernelsReceiverIsFound() {
        let text = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
             1012: 510000E0:2290 00000000:0000 07 00000000:0001A2C0 00:00000000 00000000     0        0 1 2 0000000000000000 368
             1013: 00000000:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 5
            """
        let receiver = KernelReceiver(text, IPAddress(ipv4: 0xe000_0051), 8848)
        #expect(receiver?.drops == 368)
        #expect(receiver?.queued == 107_200)
        #expect(KernelReceiver(text, IPAddress(ipv4: 0xe000_0052), 8848) == nil)
    }
}
