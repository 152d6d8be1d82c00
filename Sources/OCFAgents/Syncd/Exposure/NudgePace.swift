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
    private var remaining = 0

    /// - Parameters:
    ///   - interval: The time between two ticks.
    ///   - patience: For how long after a new connection nudges go on.
    init(interval: Duration, patience: Duration = .seconds(3)) {
        window = max(1, Int((patience / interval).rounded(.up)))
    }

    /// Takes the number of connections scheduled so far, without those of the nudges themselves.
    ///
    /// - Returns: Whether to nudge now.
    mutating func tick(connections: UInt64) -> Bool {
        defer { known = connections }
        if let known, known != connections {
            remaining = window
        }
        guard remaining > 0 else {
            return false
        }
        remaining -= 1
        return true
    }
}
