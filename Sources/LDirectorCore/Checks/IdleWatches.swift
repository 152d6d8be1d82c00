// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import LinuxKit

/// The connections that are held to servers between their checks (`idlecheck`).
final class IdleWatches {
    private let loop: EventLoop
    private let limit: Int
    private let lost: (CheckPlan) -> Void
    private var watches: [CheckPlan: IdleWatch] = [:]
    private var unwatched: Set<CheckPlan> = []

    /// - Parameters:
    ///   - loop: The loop that drives them.
    ///   - limit: The most connections, each of which takes a descriptor.
    ///   - lost: Called when a connection ended: this check has to be made now.
    init(on loop: EventLoop, limit: Int, _ lost: @escaping (CheckPlan) -> Void) {
        self.loop = loop
        self.limit = limit
        self.lost = lost
    }

    /// Watches the servers of these plans from their next good check on; those that are watched already stay so.
    func run(_ plans: [CheckPlan]) {
        let wanted = plans.filter(\.holdsConnection)
        let kept = Set(wanted)
        for (plan, watch) in watches where !kept.contains(plan) {
            watch.close()
            watches[plan] = nil
        }
        unwatched = []
        for plan in wanted where watches[plan] == nil {
            guard watches.count < limit else {
                unwatched.insert(plan)
                continue
            }
            watches[plan] = IdleWatch(plan.first.watchedProbe, on: loop) { [weak self] in self?.lost(plan) }
        }
    }

    /// Takes note of a check.
    func checked(_ plan: CheckPlan, _ outcome: CheckOutcome) {
        if plan.holdsConnection {
            watches[plan]?.checked(outcome)
        }
    }

    /// Ends all connections.
    func stop() {
        watches.values.forEach { $0.close() }
        watches = [:]
    }

    /// What an operator should know of servers that cannot be watched.
    var remarks: [CheckPlan: String] {
        var remarks = watches.compactMapValues(\.remark)
        for plan in unwatched {
            remarks[plan] = "no idle connection: \(limit) are held already (see ulimit -n)"
        }
        return remarks
    }
}
