// SPDX-License-Identifier: Apache-2.0
public import HealthChecks
public import LinuxKit

/// Runs each check plan on its own timer, from start to start; a plan never overlaps itself.
public final class CheckScheduler {
    private final class Task {
        let plan: CheckPlan
        var turn = 0
        var timer: EventLoop.TimerID?
        var probe: Prober.ID?
        /// When the check under way began, or when the next one is due.
        var mark: SuspendingClock.Instant

        init(_ plan: CheckPlan, due: SuspendingClock.Instant) {
            self.plan = plan
            mark = due
        }
    }

    private let loop: EventLoop
    private let prober: Prober
    private let deliver: (CheckPlan, CheckResult) -> Void
    private var tasks: [CheckPlan: Task] = [:]

    /// Prepares for checks.
    ///
    /// - Parameters:
    ///   - loop: The loop that drives them.
    ///   - limit: The most checks at a time.
    ///   - deliver: Gets each result.
    public init(on loop: EventLoop, limit: Int = 512, _ deliver: @escaping (CheckPlan, CheckResult) -> Void) {
        self.loop = loop
        self.deliver = deliver
        prober = Prober(on: loop, limit: limit)
    }

    /// Makes these the plans that run; plans that run already keep their timers and their turn.
    ///
    /// The first checks of new plans are spread over the shorter of the interval and one second.
    public func run(_ plans: some Collection<CheckPlan>) {
        let wanted = Set(plans)
        for (plan, task) in tasks where !wanted.contains(plan) {
            end(task)
            tasks[plan] = nil
        }
        let new = wanted.filter { tasks[$0] == nil }
        for (index, plan) in new.enumerated() {
            let spread = min(plan.interval, .seconds(1))
            let task = Task(plan, due: loop.now + spread * (Double(index) / Double(new.count)))
            tasks[plan] = task
            schedule(task)
        }
    }

    /// Starts every check now that is not under way.
    public func checkAll() { check(Array(tasks.keys)) }

    /// Starts these checks now, those that are not under way.
    func check(_ plans: [CheckPlan]) {
        for task in plans.compactMap({ tasks[$0] }) where task.probe == nil {
            task.mark = loop.now
            schedule(task)
        }
    }

    /// Ends all checks.
    public func stop() {
        tasks.values.forEach(end)
        tasks = [:]
    }

    /// The check that is most overdue beyond two of its intervals (or its time limit), or nil when all are in time.
    public func stalled() -> CheckPlan? {
        let now = loop.now
        return tasks.values.first { task in
            let limit = task.probe == nil ? .zero : task.plan.probe(turn: task.turn).timeout
            return now - task.mark > limit + task.plan.interval * 2 + .seconds(1)
        }?.plan
    }

    private func schedule(_ task: Task) {
        if let timer = task.timer {
            loop.cancel(timer)
        }
        task.timer = loop.at(task.mark) { [weak self, weak task] in
            if let self, let task {
                self.start(task)
            }
        }
    }

    private func start(_ task: Task) {
        task.timer = nil
        task.mark = loop.now
        task.probe = prober.start(task.plan.probe(turn: task.turn)) { [weak self, weak task] result in
            if let self, let task {
                self.finished(task, result)
            }
        }
    }

    private func finished(_ task: Task, _ result: CheckResult) {
        task.probe = nil
        if result.outcome != .up, let stall = loop.lastStall, stall > task.mark {
            // We were stopped meanwhile, not the server: ask again at once.
            task.mark = loop.now
            return schedule(task)
        }
        task.turn = task.plan.turn(after: task.turn, result.outcome)
        task.mark = max(task.mark + task.plan.interval, loop.now)
        schedule(task)
        deliver(task.plan, result)
    }

    private func end(_ task: Task) {
        if let timer = task.timer {
            loop.cancel(timer)
        }
        if let probe = task.probe {
            prober.cancel(probe)
        }
    }
}
