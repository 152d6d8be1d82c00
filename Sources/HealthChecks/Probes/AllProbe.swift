// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Several checks of one server side by side: up when all are, down as soon as one is.
final class AllProbe: SingleResultProbe {
    var task: ProbeTask
    private let parts: [Probe.Part]
    private let make: (Probe, @escaping Prober.Completion) -> any RunningProbe
    private var running: [Int: any RunningProbe] = [:]
    private var weight: Int?

    /// - Parameters:
    ///   - parts: The checks.
    ///   - loop: The loop that drives them.
    ///   - make: Makes the runner of one of them.
    ///   - finish: Gets the result.
    init(
        _ parts: [Probe.Part],
        on loop: EventLoop,
        _ make: @escaping (Probe, @escaping Prober.Completion) -> any RunningProbe,
        _ finish: @escaping Prober.Completion
    ) {
        self.parts = parts
        self.make = make
        task = ProbeTask(on: loop, finish)
    }

    func start() {
        for (index, part) in parts.enumerated() {
            running[index] = make(part.probe) { [weak self] in self?.ended(index, $0) }
        }
        // A part may end, and with it all of them, inside its start.
        for index in parts.indices where !task.isOver {
            running[index]?.start()
        }
        concludeIfComplete()
    }

    private func ended(_ index: Int, _ result: CheckResult) {
        running[index] = nil
        guard case .down(let reason) = result.outcome else {
            // The smallest one: whichever check sees a server at its limit is right.
            weight = [weight, result.weight].compactMap { $0 }.min()
            return concludeIfComplete()
        }
        let name = parts[index].name
        decide(.down(name.isEmpty ? reason : "check \(quoted(name.utf8)): \(reason)"))
    }

    private func concludeIfComplete() {
        if running.isEmpty {
            decide(.up, weight: weight)
        }
    }

    func release() {
        let left = running.values
        running = [:]
        left.forEach { $0.cancel() }
    }
}
