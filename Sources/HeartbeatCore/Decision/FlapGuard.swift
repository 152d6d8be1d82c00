// SPDX-License-Identifier: Apache-2.0

/// Keeps what went bad too often bad for longer: a minute, doubling up to ten, while it goes on flapping.
public struct FlapGuard: Equatable, Sendable {
    private static let window = Duration.seconds(60)
    private static let longest = Duration.seconds(600)

    private let limit: Int
    private var downs: [MonotonicTime] = []
    private var penalty = Duration.seconds(60)

    /// Until when nothing may be good again; nil when no hold-down is on.
    public private(set) var heldUntil: MonotonicTime?

    /// Begins with a clean record; a limit of 0 never holds.
    public init(limit: Int) {
        self.limit = limit
    }

    /// Downs within the last minute.
    public func count(at now: MonotonicTime) -> Int { downs.count { now - $0 < Self.window } }

    /// Notes that it went bad.
    public mutating func wentDown(at now: MonotonicTime) {
        downs.removeAll { now - $0 >= Self.window }
        downs.append(now)
        guard limit > 0, downs.count >= limit else {
            return
        }
        let recently = heldUntil.map { now - $0 < penalty } ?? false
        penalty = recently ? min(penalty * 2, Self.longest) : .seconds(60)
        heldUntil = now + penalty
        downs.removeAll()
    }

    /// Whether it must stay bad now.
    public func holds(at now: MonotonicTime) -> Bool { heldUntil.map { now < $0 } ?? false }
}
