// SPDX-License-Identifier: Apache-2.0

/// How often announcements are sent, and how fast.
public struct AnnouncementSchedule: Sendable, Equatable {
    /// Switches throttle floods of gratuitous ARP; this many frames at once are below what they take for one.
    static let burst = PacketSocket.sliceLength

    /// The number of rounds; each address is announced once in each.
    public var rounds: Int

    /// The time between two rounds.
    public var interval: Duration

    /// How many frames leave in a second once the first burst is out.
    public var framesPerSecond: Int

    /// Describes a schedule.
    public init(rounds: Int, interval: Duration, framesPerSecond: Int = 1000) {
        self.rounds = rounds
        self.interval = interval
        self.framesPerSecond = framesPerSecond
    }
}
