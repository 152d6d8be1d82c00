// SPDX-License-Identifier: Apache-2.0

/// Counts messages that cannot be read and tells of them seldom: a flood of them must not wake the coordinator each time.
struct RejectedMessages: Sendable {
    private static let pause = Duration.milliseconds(100)

    private var count = 0
    private var first: (sender: NodeID, reason: GroupMessage.Malformed)?
    private var toldAt: MonotonicTime?

    /// Counts one more.
    mutating func add(from sender: NodeID, because reason: GroupMessage.Malformed) {
        count += 1
        first = first ?? (sender, reason)
    }

    /// What is to be told now, if anything; to be asked with every message, ours included, so that nothing stays untold.
    mutating func take(at now: MonotonicTime) -> HeartbeatEvent? {
        guard let told = first, toldAt.map({ now - $0 >= Self.pause }) ?? true else {
            return nil
        }
        defer {
            count = 0
            first = nil
            toldAt = now
        }
        return .rejected(count, from: told.sender, because: told.reason)
    }
}
