// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What every check under way has, whatever it does: its beginning, one timer, and the one result that it may give.
struct ProbeTask {
    /// The loop that drives the check.
    let loop: EventLoop

    /// When the check began.
    let started: SuspendingClock.Instant

    private var finish: Prober.Completion?
    private var timer: (id: EventLoop.TimerID, instant: SuspendingClock.Instant)?

    /// Begins now.
    init(on loop: EventLoop, _ finish: @escaping Prober.Completion) {
        self.loop = loop
        self.finish = finish
        started = loop.turn
    }

    /// Whether the result was given, or is not wanted any more.
    var isOver: Bool { finish == nil }

    /// Makes this the timer in place of any other; the same instant means the same action.
    mutating func setTimer(_ instant: SuspendingClock.Instant, _ action: @escaping () -> Void) {
        guard timer?.instant != instant else {
            return
        }
        if let timer {
            loop.cancel(timer.id)
        }
        timer = (loop.at(instant, action), instant)
    }

    /// Ends the timer; returns who gets the result, the first time only.
    mutating func end() -> Prober.Completion? {
        defer { finish = nil }
        if let timer {
            loop.cancel(timer.id)
        }
        timer = nil
        return finish
    }
}

/// A check that ends with one result and lets go of what it holds.
protocol SingleResultProbe: RunningProbe {
    var task: ProbeTask { get set }

    /// Lets go of sockets and of other checks; called more than once.
    func release()
}

extension SingleResultProbe {
    func cancel() {
        _ = task.end()
        release()
    }

    /// Gives the result, unless one was given.
    func decide(_ outcome: CheckOutcome, weight: Int? = nil) {
        guard let finish = task.end() else {
            return
        }
        release()
        let duration = task.loop.now - task.started
        finish(CheckResult(outcome, duration: duration, weight: outcome == .up ? weight : nil))
    }
}
