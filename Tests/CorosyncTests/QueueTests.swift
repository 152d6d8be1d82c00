// SPDX-License-Identifier: Apache-2.0
import Corosync
import Testing

@Suite struct QueueTests {
    private typealias Newest = NewestMessages<String>

    private let now = SuspendingClock.now

    @Test func orderedMessagesKeepTheirOrder() {
        var queue = OrderedMessages()
        #expect(queue.isEmpty)
        for byte in UInt8(1)...3 {
            #expect(queue.add([byte], at: now) == true)
        }
        #expect(queue.next(at: now) == [1])
        queue.putBack([1])
        #expect((0..<4).map { _ in queue.next(at: now) } == [[1], [2], [3], nil])
    }

    @Test func orderedMessagesAreForgotten() {
        var queue = OrderedMessages()
        _ = queue.add([1], at: now)
        queue.forget()
        #expect(queue.isEmpty)
        #expect(queue.next(at: now) == nil)
    }

    @Test func theNewestOfAKindReplacesTheOthers() {
        var queue = Newest()
        #expect(queue.add(Newest.Message("view", [1]), at: now) == true)
        #expect(queue.add(Newest.Message("view", [2]), at: now) == true)
        #expect(queue.next(at: now) == Newest.Message("view", [2]))
        #expect(queue.isEmpty)
    }

    @Test func kindsDoNotReplaceEachOther() {
        var queue = Newest()
        _ = queue.add(Newest.Message("view", [1]), at: now)
        _ = queue.add(Newest.Message("order", [2]), at: now)
        _ = queue.add(Newest.Message("view", [3]), at: now)
        #expect((0..<3).map { _ in queue.next(at: now)?.bytes } == [[2], [3], nil])
    }

    @Test func whatWasRefusedIsNextUnlessANewerOneCame() throws {
        var queue = Newest()
        _ = queue.add(Newest.Message("view", [1]), at: now)
        _ = queue.add(Newest.Message("order", [2]), at: now)
        let next = queue.next(at: now)
        let refused = try #require(next)
        queue.putBack(refused)
        #expect(queue.next(at: now) == refused)
        _ = queue.add(Newest.Message("view", [3]), at: now)
        queue.putBack(refused)
        #expect((0..<3).map { _ in queue.next(at: now)?.bytes } == [[2], [3], nil])
    }
}
