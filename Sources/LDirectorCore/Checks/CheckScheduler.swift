// SPDX-License-Identifier: Apache-2.0
public import HealthChecks
public import LinuxKit

/// Runs each check plan on its own timer, from start to start; a plan never overlaps itself.
///
/// Plans do not march in step: each has a place of its own in the interval, spread evenly and the same after each start, to
/// which it returns after whatever kept it from it (a start, a stopped process, a request to check now).
public final class CheckScheduler {
    private final class Task {
        let plan: CheckPlan
        var turn = 0
        var timer: EventLoop.TimerID?
        var probe: Prober.ID?
        /// Whether the check under way began too early to tell, so that another one has to follow it.
        var isAskedAgain = false
        /// When the check under way began, or when the next one is due.
        var mark: SuspendingClock.Instant
        let place: CheckRhythm

        init(_ plan: CheckPlan, due: SuspendingClock.Instant, _ place: CheckRhythm) {
            self.plan = plan
            self.place = place
            mark = due
        }
    }

    private let loop: EventLoop
    private let prober: Prober
    private let deliver: (CheckPlan, CheckResult) -> Void
    private var tasks: [CheckPlan: Task] = [:]
    private var lastNumber = 0

    /// Prepares for checks.
    ///
    /// - Parameters:
    ///   - loop: The loop that drives them.
    ///   - limit: The most checks at a time; servers that do not answer must not take the places of others.
    ///   - deliver: Gets each result.
    public init(on loop: EventLoop, limit: Int = 512, _ deliver: @escaping (CheckPlan, CheckResult) -> Void) {
        self.loop = loop
        self.deliver = deliver
        prober = Prober(on: loop, limit: limit)
    }

    /// Makes these the plans that run; plans that run already keep their timers and their turn.
    ///
    /// The first checks of new plans follow each other by a millisecond, or faster where the interval is too short for that.
    public func run(_ plans: some Collection<CheckPlan>) {
        let wanted = Set(plans)
        for (plan, task) in tasks where !wanted.contains(plan) {
            end(task)
            tasks[plan] = nil
        }
        var known = Set(tasks.keys)
        let new = plans.filter { known.insert($0).inserted }
        let now = loop.now
        for (index, plan) in new.enumerated() {
            lastNumber += 1
            let due = now + min(plan.interval / new.count, .milliseconds(1)) * index
            let task = Task(plan, due: due, CheckRhythm(plan.interval, number: lastNumber, from: now))
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

    /// Starts a check that begins after this moment, before all others, even where one is under way.
    func checkAgain(_ plan: CheckPlan) {
        guard let task = tasks[plan] else {
            return
        }
        guard let probe = task.probe else {
            return start(task, isUrgent: true)
        }
        if !prober.hurry(probe) {
            task.isAskedAgain = true
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
        cancelTimer(of: task)
        task.timer = loop.at(task.mark) { [weak self, weak task] in
            if let self, let task {
                self.start(task)
            }
        }
    }

    private func cancelTimer(of task: Task) {
        if let timer = task.timer {
            loop.cancel(timer)
        }
        task.timer = nil
    }

    private func start(_ task: Task, isUrgent: Bool = false) {
        cancelTimer(of: task)
        task.mark = loop.turn
        let probe = task.plan.probe(turn: task.turn)
        task.probe = prober.start(probe, isUrgent: isUrgent) { [weak self, weak task] result in
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
        if task.isAskedAgain {
            task.isAskedAgain = false
            start(task, isUrgent: true)
        } else {
            task.mark = max(task.place.next(after: task.mark), loop.turn)
            schedule(task)
        }
        deliver(task.plan, result)
    }

    private func end(_ task: Task) {
        cancelTimer(of: task)
        if let probe = task.probe {
            prober.cancel(probe)
        }
    }
}
