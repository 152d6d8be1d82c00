// SPDX-License-Identifier: Apache-2.0

/// One direction of one link to one peer, judged by the probes that arrive: unknown, up, late, down.
///
/// Down comes quickly, up comes back only after ``LinkTimers/uptimeHold`` without a break.
public struct LinkMonitor: Sendable {
    private let timers: LinkTimers

    /// The present state.
    public private(set) var state = LinkState.unknown

    /// Since when it is so.
    public private(set) var since: MonotonicTime

    /// When the last probe arrived; nil before the first.
    public private(set) var lastHeard: MonotonicTime?

    /// Probes missed in all, by their numbers.
    public private(set) var missingTotal = 0

    /// How often the state was late.
    public private(set) var lateTotal = 0

    /// How often the state was down.
    public private(set) var downTotal = 0

    /// The longest interval between two probes while the link was not down.
    public private(set) var longestInterval = Duration.zero

    /// Mean variation of the arrival interval.
    public private(set) var jitter = Duration.zero

    /// Guards against flapping.
    public private(set) var flaps: FlapGuard

    private var lastSequence: UInt64?
    private var lastTransit: Int64?
    private var lossSince: MonotonicTime
    private var goodSince: MonotonicTime?
    private var expectedSince: MonotonicTime?
    private var quietUntil: MonotonicTime?
    private var loss = LossWindow()

    /// Begins in the state unknown.
    public init(timers: LinkTimers, at now: MonotonicTime) {
        self.timers = timers
        since = now
        lossSince = now
        flaps = FlapGuard(limit: timers.flapLimit)
    }

    /// Whether the direction works; nil while nothing is known.
    public var hears: Bool? {
        switch state {
        case .unknown: nil
        case .up, .late: true
        case .down: false
        }
    }

    /// Lost probes per thousand over the last ten seconds; 0 when too few were expected.
    public func lossPermille(at now: MonotonicTime) -> Int { loss.permille(seconds: 10, at: now) ?? 0 }

    /// Says that the peer's daemon runs, so that silence from now on means something.
    public mutating func expect(at now: MonotonicTime) {
        if expectedSince == nil {
            expectedSince = now
        }
    }

    /// Says that the peer's daemon has ended: what is not heard any more is not the link's fault.
    public mutating func forget(at now: MonotonicTime) {
        expectedSince = nil
        lastHeard = nil
        lastSequence = nil
        goodSince = nil
        resetLoss(at: now)
        change(to: .unknown, at: now)
    }

    /// Starts all deadlines anew, because we were away ourselves.
    public mutating func restart(at now: MonotonicTime) {
        quietUntil = now + timers.deadtime
        goodSince = goodSince.map { _ in now }
        resetLoss(at: now)
    }

    /// Takes note of an authentic, new probe.
    ///
    /// - Parameters:
    ///   - sequence: Its number; probes may overtake each other.
    ///   - sentAt: The sender's clock in nanoseconds; nil when it is not known.
    ///   - waited: How long it had lain there when it was taken.
    ///   - time: When it was taken.
    public mutating func received(
        sequence: UInt64,
        sentAt: Int64? = nil,
        waited: Duration = .zero,
        at time: MonotonicTime
    ) {
        if let lastHeard, state != .down {
            longestInterval = max(longestInterval, time - lastHeard)
        }
        if let sentAt {
            // RFC 3550, 6.4.1: how much the way through the network differs from one probe to the next, smoothed. The
            // clocks need not agree.
            let transit = (time - waited).nanoseconds &- sentAt
            if let lastTransit {
                jitter += (.nanoseconds(Int64((transit &- lastTransit).magnitude & 0xff_ffff_ffff)) - jitter) / 16
            }
            lastTransit = transit
        }
        if let lastSequence, sequence < lastSequence, lastSequence - sequence < 64 {
            loss.recordOvertaken(at: time)
            missingTotal = max(0, missingTotal - 1)
            lastHeard = time
            return
        }
        if goodSince == nil || lastHeard.map({ time - $0 > timers.warntime }) ?? true {
            goodSince = time
            if state == .down {
                resetLoss(at: time)
                lastSequence = nil
            }
        }
        // A peer that begins anew counts from 1.
        let missing = lastSequence.map { sequence > $0 ? Int(clamping: sequence - $0 - 1) : 0 } ?? 0
        missingTotal += missing
        loss.record(missing: min(missing, 1000), at: time)
        lastSequence = max(lastSequence ?? 0, sequence)
        lastHeard = time
        if state == .unknown || state == .late {
            change(to: .up, at: time)
        }
    }

    /// Looks at the clock.
    public mutating func tick(at now: MonotonicTime) {
        if let quietUntil {
            guard now >= quietUntil else {
                return
            }
            self.quietUntil = nil
        }
        let silence = now - max(lastHeard ?? since, expectedSince ?? since)
        switch state {
        case .unknown:
            if let expectedSince, now - expectedSince >= timers.deadtime + timers.deadtime {
                goDown(at: now)
            }
        case .up, .late:
            let silentFor = lastHeard.map { now - $0 } ?? silence
            if silentFor >= timers.deadtime || isTooLossy(at: now) {
                goDown(at: now)
            } else if silentFor >= timers.warntime, state == .up {
                lateTotal += 1
                change(to: .late, at: now)
            }
        case .down:
            guard let lastHeard, now - lastHeard < timers.warntime, let goodSince,
                now - goodSince >= timers.uptimeHold, !flaps.holds(at: now),
                (loss.permille(seconds: 10, at: now) ?? 0) <= timers.lossUpPermille
            else {
                return
            }
            change(to: .up, at: now)
        }
    }

    /// Three seconds say that it is so now, ten that it is no chance: of 15 probes 6 are easily lost at a loss of 20 %.
    private func isTooLossy(at now: MonotonicTime) -> Bool {
        guard timers.lossDownPermille > 0, now - lossSince >= .seconds(10),
            let short = loss.permille(seconds: 3, at: now), let long = loss.permille(seconds: 10, at: now)
        else {
            return false
        }
        return min(short, long) >= timers.lossDownPermille
    }

    private mutating func resetLoss(at now: MonotonicTime) {
        loss.reset()
        lossSince = now
        lastTransit = nil
    }

    private mutating func goDown(at now: MonotonicTime) {
        if state != .unknown {
            downTotal += 1
            flaps.wentDown(at: now)
        }
        goodSince = nil
        change(to: .down, at: now)
    }

    private mutating func change(to new: LinkState, at now: MonotonicTime) {
        if new != state {
            state = new
            since = now
        }
    }
}
