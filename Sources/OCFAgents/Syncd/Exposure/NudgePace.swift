// SPDX-License-Identifier: Apache-2.0

/// Decides when the kernel needs a nudge, from the number of connections that it has scheduled; pure.
///
/// The kernel's master daemon sends a datagram when the next record no longer fits, or when up to three seconds have
/// passed. A nudge makes one more record, which pushes the one before out. Without new connections there is nothing to
/// push.
struct NudgePace: Equatable {
    /// For how many ticks nudges go on after the last new connection; a connection's record follows its handshake.
    let window: Int

    private var known: UInt64?
    private var own: UInt64 = 0
    private var remaining: Int

    /// - Parameters:
    ///   - interval: The time between two ticks.
    ///   - patience: For how long after a new connection nudges go on.
    init(interval: Duration, patience: Duration = .seconds(3)) {
        window = max(1, Int((patience / interval).rounded(.up)))
        // What was opened just before the first tick waits as well.
        remaining = window
    }

    /// Takes the number of connections scheduled so far; a smaller one than before means that it was zeroed.
    ///
    /// - Returns: Whether to nudge now.
    mutating func tick(connections: UInt64) -> Bool {
        defer {
            known = connections
            own = 0
        }
        if let known, connections < known || connections - known > own {
            remaining = window
        }
        guard remaining > 0 else {
            return false
        }
        remaining -= 1
        return true
    }

    /// Takes how many of the connections until the next tick are those of the nudges themselves, at most.
    mutating func nudged(newConnections: Int) { own = UInt64(max(0, newConnections)) }
}
