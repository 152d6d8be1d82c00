// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HeartbeatCore

/// A clock that only moves when it is told to.
struct TestTime {
    var milliseconds: Int64 = 1_000_000

    var now: MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }
}

/// A monitor with its clock and the probes of a peer.
private struct Bench {
    var time = TestTime()
    var monitor: LinkMonitor
    var sequence: UInt64 = 0

    init() {
        monitor = LinkMonitor(timers: LinkTimers(), at: TestTime().now)
        monitor.expect(at: TestTime().now)
    }

    /// Probes each 200 ms for so long; `lost` says which are lost on the way.
    mutating func probes(milliseconds: Int64, lost: (UInt64) -> Bool = { _ in false }) {
        for _ in 0..<milliseconds / 200 {
            sequence += 1
            if !lost(sequence) {
                monitor.received(sequence: sequence, at: time.now)
            }
            wait(milliseconds: 200)
        }
    }

    /// Silence; the peer goes on sending.
    mutating func wait(milliseconds: Int64) {
        for _ in 0..<milliseconds / 50 {
            time.milliseconds += 50
            monitor.tick(at: time.now)
        }
    }
}

@Suite struct LinkMonitorTests {
    @Test func upWithTheFirstProbe() {
        var bench = Bench()
        #expect(bench.monitor.state == .unknown && bench.monitor.hears == nil)
        bench.probes(milliseconds: 200)
        #expect(bench.monitor.state == .up && bench.monitor.hears == true)
    }

    @Test func lateThenDown() {
        var bench = Bench()
        bench.probes(milliseconds: 2000)
        bench.wait(milliseconds: 250)
        #expect(bench.monitor.state == .up)
        bench.wait(milliseconds: 50)
        #expect(bench.monitor.state == .late && bench.monitor.hears == true)
        bench.wait(milliseconds: 250)
        #expect(bench.monitor.state == .late)
        bench.wait(milliseconds: 50)
        #expect(bench.monitor.state == .down && bench.monitor.downTotal == 1 && bench.monitor.lateTotal == 1)
    }

    @Test func upAgainOnlyAfterTheHold() {
        var bench = Bench()
        bench.probes(milliseconds: 2000)
        bench.wait(milliseconds: 2000)
        bench.sequence += 10
        bench.probes(milliseconds: 4800)
        #expect(bench.monitor.state == .down)
        bench.probes(milliseconds: 600)
        #expect(bench.monitor.state == .up)
    }

    @Test func aGapStartsTheHoldAnew() {
        var bench = Bench()
        bench.probes(milliseconds: 2000)
        bench.wait(milliseconds: 2000)
        bench.probes(milliseconds: 4000)
        bench.wait(milliseconds: 600)
        bench.probes(milliseconds: 4000)
        #expect(bench.monitor.state == .down)
        bench.probes(milliseconds: 1600)
        #expect(bench.monitor.state == .up)
    }

    @Test func tenPercentLossStaysUp() {
        var bench = Bench()
        bench.probes(milliseconds: 60_000) { $0 % 10 == 0 }
        #expect(bench.monitor.downTotal == 0 && bench.monitor.hears == true)
        #expect((80...120).contains(bench.monitor.lossPermille(at: bench.time.now)))
    }

    @Test func halfLostIsDownOnceAndStaysDown() {
        var bench = Bench()
        bench.probes(milliseconds: 4000)
        bench.probes(milliseconds: 60_000) { $0 % 2 == 0 }
        #expect(bench.monitor.state == .down && bench.monitor.downTotal == 1)
    }

    /// An hour of 20 % loss by chance, probes each 50 ms as they are sent on such a link, each 40 ms in doubt.
    @Test func anHourOfLossIsNeverDown() {
        var generator = SeededGenerator(seed: 20)
        var time = TestTime()
        var monitor = LinkMonitor(timers: LinkTimers(), at: time.now)
        monitor.expect(at: time.now)
        var sequence: UInt64 = 0
        while time.milliseconds < 4_600_000 {
            sequence += 1
            if Int.random(in: 0..<100, using: &generator) >= 20 {
                monitor.received(sequence: sequence, at: time.now)
            }
            time.milliseconds += 50
            monitor.tick(at: time.now)
        }
        #expect(monitor.downTotal == 0 && monitor.state == .up)
        #expect((150...250).contains(monitor.lossPermille(at: time.now)))
    }

    /// What an hour of loss has left behind (counters, windows, flaps) delays nothing: silence is down after the dead time,
    /// at once after the loss has ended, a minute later, or while it goes on.
    @Test(arguments: [0, 1000, 60_000, nil])
    func afterAnHourOfLossACutIsFoundAsSoonAsEver(milliseconds: Int64?) {
        var generator = SeededGenerator(seed: 21)
        var time = TestTime()
        var monitor = LinkMonitor(timers: LinkTimers(), at: time.now)
        monitor.expect(at: time.now)
        var sequence: UInt64 = 0
        while time.milliseconds < 4_600_000 {
            sequence += 1
            if Int.random(in: 0..<100, using: &generator) >= 20 {
                monitor.received(sequence: sequence, at: time.now)
            }
            time.milliseconds += 50
            monitor.tick(at: time.now)
        }
        let quiet = time.milliseconds + (milliseconds ?? 0)
        while time.milliseconds < quiet {
            sequence += 1
            monitor.received(sequence: sequence, at: time.now)
            time.milliseconds += 200
            monitor.tick(at: time.now)
        }
        let cut = time.milliseconds
        while monitor.state != .down, time.milliseconds < cut + 5000 {
            time.milliseconds += 25
            monitor.tick(at: time.now)
        }
        #expect(monitor.state == .down && time.milliseconds - cut <= 800)
    }

    @Test func probesThatOvertakeEachOtherAreNotLost() {
        var bench = Bench()
        for first in stride(from: UInt64(1), to: 200, by: 2) {
            bench.monitor.received(sequence: first + 1, at: bench.time.now)
            bench.monitor.received(sequence: first, at: bench.time.now)
            bench.wait(milliseconds: 200)
        }
        #expect(bench.monitor.lossPermille(at: bench.time.now) == 0 && bench.monitor.missingTotal == 0)
    }

    @Test func silenceOfADaemonThatLeftIsNoFault() {
        var bench = Bench()
        bench.probes(milliseconds: 2000)
        bench.monitor.forget(at: bench.time.now)
        bench.wait(milliseconds: 60_000)
        #expect(bench.monitor.state == .unknown)
    }

    @Test func neverHeardIsDownAfterTwiceTheDeadTime() {
        var bench = Bench()
        bench.wait(milliseconds: 1550)
        #expect(bench.monitor.state == .unknown)
        bench.wait(milliseconds: 50)
        #expect(bench.monitor.state == .down && bench.monitor.downTotal == 0)
    }

    @Test func afterAnAbsenceTheDeadlinesStartAnew() {
        var bench = Bench()
        bench.probes(milliseconds: 2000)
        bench.time.milliseconds += 10_000
        bench.monitor.restart(at: bench.time.now)
        bench.wait(milliseconds: 700)
        #expect(bench.monitor.hears == true)
        bench.probes(milliseconds: 1000)
        #expect(bench.monitor.state == .up && bench.monitor.downTotal == 0)
    }

    @Test func flappingIsHeldDown() {
        var bench = Bench()
        bench.probes(milliseconds: 2000)
        for _ in 0..<3 {
            bench.wait(milliseconds: 1000)
            bench.probes(milliseconds: 6000)
        }
        #expect(bench.monitor.downTotal == 3)
        #expect(bench.monitor.state == .down)
        bench.probes(milliseconds: 50_000)
        #expect(bench.monitor.state == .down)
        bench.probes(milliseconds: 10_000)
        #expect(bench.monitor.state == .up)
    }
}

@Suite struct PublishedHealthTests {
    private static let timers = LinkTimers()

    /// The value after conclusions of so many milliseconds each.
    private func after(_ steps: [(Bool?, Int64)], patience: Duration = Self.timers.settle) -> Bool? {
        var time = TestTime()
        var health = PublishedHealth(timers: Self.timers)
        for (conclusion, milliseconds) in steps {
            for _ in 0...milliseconds / 50 {
                health.conclude(conclusion, patience: patience, at: time.now)
                time.milliseconds += 50
            }
        }
        return health.value
    }

    @Test func theFirstGoodValueIsPublishedAtOnce() {
        #expect(after([(true, 0)]) == true)
        #expect(after([(nil, 1000)]) == nil)
    }

    @Test func aFaultSettles() {
        #expect(after([(true, 0), (false, 250)]) == true)
        #expect(after([(true, 0), (false, 300)]) == false)
        #expect(after([(true, 0), (false, 200), (true, 50), (false, 200)]) == true)
        #expect(after([(true, 0), (false, 0)], patience: .zero) == false)
    }

    @Test func fewerPingsAloneTakeTheirTime() {
        let timers = LinkTimers()
        #expect(
            timers.patience(with: .carrier) == .milliseconds(250) && timers.patience(with: .cutAndPing) == timers.settle
        )
        #expect(timers.patience(with: .pingFewer) == .seconds(5))
        #expect(after([(true, 0), (false, 4900)], patience: timers.patience(with: .pingFewer)) == true)
        #expect(after([(true, 0), (false, 5000)], patience: timers.patience(with: .pingFewer)) == false)
    }

    @Test func recoveryIsSlow() {
        #expect(after([(true, 0), (false, 400), (true, 4900)]) == false)
        #expect(after([(true, 0), (false, 400), (true, 5000)]) == true)
    }

    @Test func undecidedKeepsTheValue() {
        #expect(after([(true, 0), (nil, 60_000)]) == true)
        #expect(after([(true, 0), (false, 400), (nil, 60_000)]) == false)
        #expect(after([(true, 0), (false, 200), (nil, 0), (false, 200)]) == true)
    }

    @Test func flappingIsHeldDown() {
        let flap: [(Bool?, Int64)] = [(false, 400), (true, 5100)]
        #expect(after([(true, 0)] + flap + flap) == true)
        #expect(after([(true, 0)] + flap + flap + flap) == false)
        #expect(after([(true, 0)] + flap + flap + flap + [(true, 60_000)]) == true)
    }
}
