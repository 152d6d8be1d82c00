// SPDX-License-Identifier: Apache-2.0
import Corosync
import LinuxKit

/// When everything that is sent regularly is sent: all of it at one moment, at the same moment on all nodes.
///
/// What all send together arrives together, so that a node wakes twice an interval instead of once a datagram. Who is in
/// step with whom is decided by the numbers of the nodes, so that nobody follows who follows him. A beat comes at most a
/// twentieth of the interval too early; a little too late, when the one who is followed is late or silent.
struct Cadence {
    /// How long a follower gives the one it follows to be first.
    private static let slack = Duration.milliseconds(2)

    private let node: NodeID
    private let interval: Duration
    private var leader: (node: NodeID, at: MonotonicTime)?
    private var last: MonotonicTime
    private var hasHurried = false

    /// When the next beat is due.
    private(set) var due: MonotonicTime

    init(node: NodeID, interval: Duration, at now: MonotonicTime) {
        self.node = node
        self.interval = interval
        last = now
        due = now + interval
    }

    /// Begins the next interval at a beat.
    mutating func beat(at now: MonotonicTime) {
        let isFollowing = leader.map { now - $0.at <= interval * 2 } ?? false
        // By the plan, so that no delay adds up; after a longer one the plan begins anew.
        let isInTime = now - due < interval / 20 && due <= now
        last = now
        hasHurried = false
        due = isFollowing ? now + interval + Self.slack : (isInTime ? due : now) + interval
    }

    /// Takes note of an authentic probe.
    ///
    /// - Parameters:
    ///   - source: Who sent it.
    ///   - now: When.
    mutating func heard(_ source: NodeID, at now: MonotonicTime) {
        guard source < node else {
            return
        }
        if let leader, leader.node < source, now - leader.at <= interval * 2 {
            return
        }
        // Probes that come quickly after one another do not tell the beat: those of one beat on several links, and those
        // of links that are silent or lossy.
        let isBeat = leader.map { $0.node != source || now - $0.at >= interval * 3 / 4 } ?? true
        leader = (source, now)
        guard isBeat else {
            return
        }
        let since = now - last
        let remaining = due - now
        if remaining <= interval / 20, !hasHurried {
            due = min(due, now)
        } else if since <= interval / 40 {
            // We were first: the next time we wait a little longer.
            due = now + interval + Self.slack
        } else if !hasHurried {
            hasHurried = true
            due = due - interval / 20
        }
    }
}
