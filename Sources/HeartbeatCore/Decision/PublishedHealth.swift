// SPDX-License-Identifier: Apache-2.0

/// What we tell Pacemaker about our own end of a designated link: quick to leave, slow to trust again.
public struct PublishedHealth: Equatable, Sendable {
    private let timers: LinkTimers
    private var candidateSince: MonotonicTime?

    /// The health that is published; nil before the first.
    public private(set) var value: Bool?

    /// Since when it is so.
    public private(set) var since: MonotonicTime?

    /// Guards against flapping.
    public private(set) var flaps: FlapGuard

    /// Begins without a value.
    public init(timers: LinkTimers) {
        self.timers = timers
        flaps = FlapGuard(limit: timers.flapLimit)
    }

    /// Whether a change waits for its time.
    public var isSettling: Bool { candidateSince != nil }

    /// Takes what an operator wants: at once, and no flap.
    public mutating func force(_ isHealthy: Bool, at now: MonotonicTime) {
        candidateSince = nil
        if value != isHealthy {
            value = isHealthy
            since = now
        }
    }

    /// Takes the present conclusion about ourselves.
    ///
    /// - Parameters:
    ///   - isHealthy: Whether we are not at fault; nil when nothing may be concluded now: everything stays as it is.
    ///   - patience: How long a fault must last before it is published.
    ///   - now: The present.
    public mutating func conclude(_ isHealthy: Bool?, patience: Duration, at now: MonotonicTime) {
        guard let isHealthy, isHealthy != value else {
            candidateSince = nil
            return
        }
        let begun = candidateSince ?? now
        candidateSince = begun
        let wait: Duration
        switch (value, isHealthy) {
        case (nil, true): wait = .zero
        case (_, false): wait = patience
        case (_, true): wait = timers.uptimeHold
        }
        guard now - begun >= wait, !(isHealthy && flaps.holds(at: now)) else {
            return
        }
        if !isHealthy, value == true {
            flaps.wentDown(at: now)
        }
        value = isHealthy
        since = now
        candidateSince = nil
    }
}
