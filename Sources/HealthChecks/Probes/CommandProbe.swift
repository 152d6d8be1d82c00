// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// One check by a program: exit status 0 is up; its whole process group is ended when the time is over.
final class CommandProbe: RunningProbe {
    private let arguments: [String]
    private let timeout: Duration
    private let largestWeight: Int
    private let loop: EventLoop
    private let finish: Prober.Completion
    private let started: SuspendingClock.Instant
    private var run: CommandRun?

    init(_ arguments: [String], of probe: Probe, on loop: EventLoop, _ finish: @escaping Prober.Completion) {
        self.arguments = arguments
        timeout = probe.timeout
        largestWeight = probe.largestWeight
        self.loop = loop
        self.finish = finish
        started = loop.now
    }

    deinit { cancel() }

    func start() {
        do {
            let words = arguments.first.map(CommandWords.words) ?? []
            run = try CommandRun(
                words + arguments.dropFirst(),
                timeout: timeout,
                on: loop,
                outputLimit: largestWeight > 0 ? PrintedWeight.limit : 0
            ) { [weak self] in
                self?.ended($0)
            }
        } catch {
            finish(CheckResult(.down("check command: \(error)"), duration: loop.now - started))
        }
    }

    func cancel() {
        run?.abandon()
        run = nil
    }

    private func ended(_ end: CommandRun.End) {
        let weight = largestWeight > 0 ? PrintedWeight.read(run?.output ?? [], largest: largestWeight) : nil
        run = nil
        let outcome: CheckOutcome =
            switch end {
            case .status(let status) where status.isSuccess: .up
            case .status(let status): .down("check command: \(status)")
            case .timedOut: .down("check command still ran after \(timeout.inSeconds)")
            }
        finish(CheckResult(outcome, duration: loop.now - started, weight: outcome == .up ? weight : nil))
    }
}
