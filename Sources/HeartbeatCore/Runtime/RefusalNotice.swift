// SPDX-License-Identifier: Apache-2.0

/// The line of the log about calls that Corosync did not take: one in ten seconds at the most.
struct RefusalNotice: Sendable {
    private static let interval = Duration.seconds(10)

    private var told: UInt64 = 0
    private var lastTime: MonotonicTime?

    /// The line that is due; nil when there is nothing new, or it is too soon.
    ///
    /// - Parameters:
    ///   - total: The refusals so far.
    ///   - now: The present.
    /// - Returns: The line.
    mutating func line(_ total: UInt64, at now: MonotonicTime) -> String? {
        guard total > told, lastTime.map({ now - $0 >= Self.interval }) ?? true else {
            return nil
        }
        defer {
            told = total
            lastTime = now
        }
        return "corosync is busy: it did not take \(total - told) calls, which are repeated (\(total) so far)"
    }
}
