// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

struct EventLoopTests {
    @Test func timersFireInTheirOrder() throws {
        let loop = try EventLoop()
        let begin = loop.now
        var fired: [Int] = []
        for number in [3, 1, 2, 5, 4] {
            loop.at(begin + .milliseconds(number * 5)) { fired.append(number) }
        }
        let cancelled = loop.at(begin + .milliseconds(7)) { fired.append(99) }
        loop.cancel(cancelled)
        loop.at(begin + .milliseconds(40)) { loop.stop() }
        try loop.run()
        #expect(fired == [1, 2, 3, 4, 5])
    }

    @Test func equalTimersKeepTheOrderInWhichTheyWereMade() throws {
        let loop = try EventLoop()
        let instant = loop.now
        var fired: [Int] = []
        for number in 0..<50 {
            loop.at(instant) { fired.append(number) }
        }
        loop.after(.milliseconds(1)) { loop.stop() }
        try loop.run()
        #expect(fired == Array(0..<50))
    }

    @Test func readinessIsDeliveredUntilUnwatched() throws {
        let loop = try EventLoop()
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let reader = OwnedDescriptor(owning: ends[0])
        let writer = OwnedDescriptor(owning: ends[1])
        var seen = 0
        let fd = reader.raw
        try loop.watch(fd, for: .readable) { readiness in
            #expect(readiness.contains(.readable))
            seen += 1
            if seen == 3 {
                loop.unwatch(fd)
                loop.after(.milliseconds(5)) { loop.stop() }
            }
        }
        #expect(write(writer.raw, "x", 1) == 1)
        try loop.run()
        #expect(seen == 3)
    }

    @Test func cancelledTimersLeaveTheOthersInOrder() throws {
        let loop = try EventLoop()
        var fired: [Int] = []
        let start = loop.now
        for number in 0..<3000 {
            let timer = loop.at(start + .microseconds((number * 7919) % 3000)) { fired.append((number * 7919) % 3000) }
            if number % 10 != 0 {
                loop.cancel(timer)
            }
        }
        loop.after(.milliseconds(20)) { loop.stop() }
        try loop.run()
        #expect(fired.count == 300)
        #expect(fired == fired.sorted())
    }

    @Test func whatIsDoneSoonDoesNotKeepOthersWaiting() throws {
        let loop = try EventLoop()
        var rounds = 0
        func again() {
            rounds += 1
            loop.soon(again)
        }
        loop.soon(again)
        var turnsOfOthers = 0
        loop.after(.milliseconds(5)) {
            turnsOfOthers += 1
            loop.stop()
        }
        try loop.run()
        #expect(turnsOfOthers == 1)
        #expect(rounds > 1)
    }

    @Test func onlyChangesAreToldWhenThatIsAskedFor() throws {
        let loop = try EventLoop()
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let reader = OwnedDescriptor(owning: ends[0])
        let writer = OwnedDescriptor(owning: ends[1])
        var seen = 0
        try loop.watch(reader.raw, for: [.readable, .onlyChanges]) { _ in seen += 1 }
        #expect(write(writer.raw, "x", 1) == 1)
        loop.after(.milliseconds(20)) { loop.stop() }
        try loop.run()
        #expect(seen == 1)
        loop.unwatchForClose(reader.raw)
    }
}
