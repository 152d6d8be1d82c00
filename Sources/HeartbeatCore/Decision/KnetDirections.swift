// SPDX-License-Identifier: Apache-2.0

/// What knet's ping counters tell about the directions of a link.
///
/// A cut of either direction makes both ends call the link disconnected, since knet needs the round trip; but whoever
/// still receives the other's pings hears it.
public struct KnetDirections: Equatable, Sendable {
    /// The counters of Corosync's statistics map, `stats.knet.node<N>.link<L>.rx_{ping,pong}_packets`.
    public struct Counters: Equatable, Sendable {
        /// Pings of the peer that arrived.
        public var receivedPings: UInt64

        /// Answers to our pings that arrived.
        public var receivedPongs: UInt64

        /// Joins the parts.
        public init(receivedPings: UInt64, receivedPongs: UInt64) {
            self.receivedPings = receivedPings
            self.receivedPongs = receivedPongs
        }
    }

    private var samples: [(time: MonotonicTime, counters: Counters)] = []
    private let window: Duration

    /// Whether the peer's pings arrive; nil while the window is not full.
    public private(set) var hears: Bool?

    /// Whether the peer hears us, which its answers prove; their absence alone proves nothing while we do not hear it.
    public private(set) var isHeard: Bool?

    /// Begins without a sample.
    ///
    /// - Parameter window: How long the counters must stand still to mean silence: three intervals of knet's pings.
    public init(window: Duration) {
        self.window = window
    }

    /// Takes a reading; one that is lower than the last means that an operator cleared the counters.
    public mutating func note(_ counters: Counters, at now: MonotonicTime) {
        if let last = samples.last?.counters,
            counters.receivedPings < last.receivedPings || counters.receivedPongs < last.receivedPongs
        {
            samples = []
        }
        samples.append((now, counters))
        // The newest sample that is old enough is the one to compare with.
        while samples.count > 1, now - samples[1].time >= window {
            samples.removeFirst()
        }
        guard let oldest = samples.first, now - oldest.time >= window else {
            (hears, isHeard) = (nil, nil)
            return
        }
        let doesHear = counters.receivedPings > oldest.counters.receivedPings
        hears = doesHear
        isHeard = counters.receivedPongs > oldest.counters.receivedPongs ? true : doesHear ? false : nil
    }

    /// Compared by what they tell.
    public static func == (left: KnetDirections, right: KnetDirections) -> Bool {
        left.hears == right.hears && left.isHeard == right.isHeard
    }
}

/// A link to a peer as Corosync has it.
public struct KnetLink: Equatable, Sendable {
    /// The round trip works.
    public var isConnected: Bool

    /// Whether knet hears the peer; nil when its counters do not tell.
    public var hears: Bool?

    /// Whether the peer's knet hears us; nil when its counters do not tell.
    public var isHeard: Bool?

    /// Joins the parts.
    public init(isConnected: Bool, hears: Bool? = nil, isHeard: Bool? = nil) {
        self.isConnected = isConnected
        self.hears = hears
        self.isHeard = isHeard
    }
}
