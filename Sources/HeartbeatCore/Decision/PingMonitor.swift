// SPDX-License-Identifier: Apache-2.0

/// How a ping target answered.
public enum PingAnswer: String, Sendable {
    /// The reply to an ICMP echo request.
    case echo = "icmp"
    /// The reply to an ARP request.
    case arp = "arp"
    /// The advertisement that a neighbour solicitation asked for.
    case solicitation = "nd"
}

/// A ping target of a link, judged by its replies.
public struct PingMonitor: Sendable {
    private let timers: LinkTimers

    /// Whether it answers; false before the first reply.
    public private(set) var isAlive = false

    /// Whether it ever answered.
    public private(set) var everAnswered = false

    /// How it answered last; nil before the first reply.
    public private(set) var lastAnswer: PingAnswer?

    /// When it answered last; nil before the first reply.
    public private(set) var lastReply: MonotonicTime?

    /// The way there and back of its last echo; nil when unknown, as of answers by ARP.
    public private(set) var roundTrip: Duration?

    /// Since when ``isAlive`` is so.
    public private(set) var since: MonotonicTime

    private var deadtime: Duration { timers.pingDeadtime ?? timers.deadtime }
    private var quietUntil: MonotonicTime?

    /// Begins as not answering.
    public init(timers: LinkTimers, at now: MonotonicTime) {
        self.timers = timers
        since = now
    }

    /// Takes note of a reply.
    public mutating func replied(by answer: PingAnswer = .echo, roundTrip: Duration? = nil, at time: MonotonicTime) {
        lastReply = time
        lastAnswer = answer
        self.roundTrip = answer == .echo ? roundTrip ?? self.roundTrip : nil
        everAnswered = true
        if !isAlive {
            isAlive = true
            since = time
        }
    }

    /// Starts the deadline anew, because we were away ourselves.
    public mutating func restart(at now: MonotonicTime) {
        quietUntil = now + deadtime
    }

    /// Whether a target that answers has not done so for a while.
    func isSilent(for time: Duration, at now: MonotonicTime) -> Bool {
        isAlive && lastReply.map { now - $0 > time } ?? false
    }

    /// Looks at the clock.
    public mutating func tick(at now: MonotonicTime) {
        if let quietUntil, now < quietUntil {
            return
        }
        if isAlive, let lastReply, now - lastReply >= deadtime {
            isAlive = false
            since = now
        }
    }
}
