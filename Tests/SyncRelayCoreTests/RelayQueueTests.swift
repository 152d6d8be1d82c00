// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import SyncRelayCore

@Suite struct RelayQueueTests {
    private let start = SuspendingClock.now
    private var queue = RelayQueue()

    private mutating func rest(at time: SuspendingClock.Instant) -> [[UInt8]] {
        var taken: [[UInt8]] = []
        while let message = queue.next(at: time) {
            taken.append(message.bytes)
        }
        return taken
    }

    @Test mutating func ordersGoBeforeDataAndDataBeforeSnapshots() {
        for message in [RelayQueue.Message.snapshot([1]), .data([2]), .order([3]), .data([4]), .order([5])] {
            #expect(queue.add(message, at: start) == true)
        }
        #expect(rest(at: start) == [[3], [5], [2], [4], [1]])
        #expect(queue.isEmpty)
    }

    @Test mutating func whatWasRefusedGoesBeforeEverything() throws {
        _ = queue.add(.data([1]), at: start)
        let next = queue.next(at: start)
        let refused = try #require(next)
        _ = queue.add(.order([2]), at: start)
        queue.putBack(refused)
        #expect(!queue.isEmpty)
        #expect(rest(at: start + .seconds(60)) == [[1], [2]])
    }

    @Test mutating func oldDataIsDropped() {
        _ = queue.add(.data([1]), at: start)
        _ = queue.add(.data([2]), at: start + .seconds(1))
        #expect(rest(at: start + .milliseconds(2001)) == [[2]])
        #expect(queue.dropped == 1)
    }

    @Test mutating func theNewestDataIsKept() {
        for number in 0..<1030 {
            #expect(queue.add(.data([UInt8(number >> 8), UInt8(number & 255)]), at: start) == true)
        }
        #expect(queue.dropped == 6)
        #expect(queue.next(at: start)?.bytes == [0, 6])
    }

    @Test mutating func snapshotsHaveToWaitForRoom() {
        for _ in 0..<32 {
            #expect(queue.add(.snapshot([1]), at: start) == true)
        }
        #expect(queue.add(.snapshot([2]), at: start) == false)
        _ = queue.next(at: start)
        #expect(queue.add(.snapshot([2]), at: start) == true)
    }

    @Test mutating func forgottenDataCountsAsDropped() {
        _ = queue.add(.order([1]), at: start)
        _ = queue.add(.data([2]), at: start)
        _ = queue.add(.snapshot([3]), at: start)
        queue.forget()
        #expect(queue.isEmpty)
        #expect(queue.dropped == 1)
    }
}
