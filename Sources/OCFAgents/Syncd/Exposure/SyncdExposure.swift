// SPDX-License-Identifier: Apache-2.0

/// How the time is bounded for which a new connection is unknown to the other directors.
struct SyncdExposure: Equatable {
    /// The master's datagrams hold one record of IPv4: header of 8 bytes, record of 36.
    ///
    /// A longer record, of IPv6 or with sequence data, makes a datagram of its own too, as long as it needs.
    static let masterLength: UInt16 = 44
    /// Of the bound, what the kernel may take from a nudge to the datagram (20 ms), and some for the scheduler.
    private static let reserve = 30

    /// The time between two nudges while there are new connections.
    let interval: Duration
    /// In how many ticks the kernel makes a second record of a nudge's connection.
    private let ticks: Int

    /// - Parameters:
    ///   - milliseconds: The bound.
    ///   - refreshSeconds: The refresh period, within which the kernel makes no second record of a connection.
    init(milliseconds: Int, refreshSeconds: Int) {
        let pause = max(10, milliseconds - Self.reserve)
        interval = .milliseconds(pause)
        ticks = (refreshSeconds + 2) * 1000 / pause + 1
    }

    /// How many nudges are sent at a time.
    ///
    /// Each sending thread of the kernel collects for itself, and which one a connection belongs to cannot be told from
    /// outside. A nudge hits each with the same probability: with six for each thread one of 400 misses it, until the
    /// next tick.
    static func nudges(threads: Int) -> Int { threads > 1 ? 6 * threads : 1 }

    /// How many source ports the nudges use in turn; each is one entry in the connection tables.
    func ports(threads: Int) -> Int { min(ticks * Self.nudges(threads: threads), 40_000) }
}
