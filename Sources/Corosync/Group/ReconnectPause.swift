// SPDX-License-Identifier: Apache-2.0

/// How long to wait before the next connection to Corosync: 0.2, 0.4 … 5 s, and 30 s where Corosync refuses the user.
struct ReconnectPause: Sendable {
    private static let denied = Duration.seconds(30)
    /// A connection that lasted longer was a good one.
    private static let goodConnection = Duration.seconds(5)
    /// Milliseconds that are added at random at the most, so that the nodes do not reconnect in step.
    static let longestJitter: Int64 = 50

    private var pause = RetryPause(.milliseconds(200) ... .seconds(5))

    /// The pause after the end of a connection, or of an attempt at one.
    ///
    /// - Parameters:
    ///   - kind: Why it ended.
    ///   - duration: How long it was there.
    ///   - jitter: What to add: up to ``longestJitter`` milliseconds.
    /// - Returns: The pause.
    mutating func next(after kind: CorosyncError.Kind, lasting duration: Duration, jitter: Duration) -> Duration {
        if duration > Self.goodConnection {
            pause.reset()
        }
        let regular = pause.next()
        return (kind == .denied ? Self.denied : regular) + jitter
    }
}
