// SPDX-License-Identifier: Apache-2.0

/// When a connection is held to a server and when not; a value without socket and clock.
///
/// The end of a connection is only ever a reason to check. What the check finds tells what the end meant: a server that is
/// well ended it for reasons of its own (idle connections time out there, it has enough of them), and gets fewer.
struct IdlePolicy: Equatable, Sendable {
    /// Connections that end sooner are unwanted, rather than timed out.
    static let shortLife = Duration.seconds(2)
    /// Ends in a row, each of them too soon, after which an operator is told.
    static let patience = 4
    /// The longest pause before the next attempt; a server that cannot be watched costs next to nothing.
    static let longestPause = Duration.seconds(600)

    /// How the last connection ended, until a check has told what that meant.
    private enum End: Equatable {
        case refused
        case closed(after: Duration)
    }

    private var end: End?
    private var failures = 0
    private var lastEnd: End?

    /// After how much time a connection is exchanged for a new one, as the server would close it soon; nil when it lasts.
    private(set) var renewal: Duration?

    /// No connection came about.
    mutating func refused() { end = .refused }

    /// A connection ended that had lived for so long.
    mutating func closed(after life: Duration) { end = .closed(after: life) }

    /// A check went well while there is no connection.
    ///
    /// - Returns: How long to wait before the next attempt.
    mutating func confirmed() -> Duration {
        defer { end = nil }
        switch end {
        case nil: break
        case .closed(let life)? where life >= Self.shortLife:
            failures = 0
            renewal = life * 4 / 5
        case .refused?, .closed?:
            failures += 1
            lastEnd = end
        }
        guard failures > 0 else {
            return .zero
        }
        return min(Self.longestPause, .seconds(1 << min(failures - 1, 16)))
    }

    /// A check failed: the end meant that the server is down.
    mutating func failed() { (end, failures) = (nil, 0) }

    /// A connection has lived long enough to be wanted.
    mutating func lasted() { failures = 0 }

    /// What an operator should know about a server that is up and not watched; nil when nothing.
    var remark: String? {
        guard failures >= Self.patience else {
            return nil
        }
        let cause = lastEnd == .refused ? "does not take another connection" : "closes idle connections at once"
        return "idlecheck does not help here: the server \(cause)"
    }
}
