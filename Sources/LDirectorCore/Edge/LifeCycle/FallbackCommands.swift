// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LinuxKit

/// Runs the calls of `fallbackcommand` beside the checks: for each virtual server one after the other, with a time limit.
final class FallbackCommands {
    /// The longest time that a call may take.
    static let timeLimit = Duration.seconds(60)

    private let loop: EventLoop
    private let log: EventLog
    private var queues: [VirtualServiceKey: [FallbackCall]] = [:]
    private var runs: [VirtualServiceKey: CommandRun] = [:]

    /// Called whenever the last call has ended.
    var whenIdle: (() -> Void)?

    /// Whether no call runs or waits.
    var isIdle: Bool { runs.isEmpty && queues.isEmpty }

    init(on loop: EventLoop, log: EventLog) {
        self.loop = loop
        self.log = log
    }

    func enqueue(_ calls: [FallbackCall]) {
        for call in calls {
            queues[call.service, default: []].append(call)
            if runs[call.service] == nil {
                startNext(call.service)
            }
        }
    }

    private func startNext(_ key: VirtualServiceKey) {
        guard var queue = queues[key], !queue.isEmpty else {
            queues[key] = nil
            if isIdle {
                whenIdle?()
            }
            return
        }
        let call = queue.removeFirst()
        queues[key] = queue
        log.write("Running fallbackcommand: \(call.shellText)")
        do {
            let arguments = ["/bin/sh", "-c", call.shellText]
            runs[key] = try CommandRun(arguments, timeout: Self.timeLimit, on: loop) { [weak self] end in
                self?.ended(call, end)
            }
        } catch {
            log.write("fallbackcommand failed: \(error)")
            startNext(key)
        }
    }

    private func ended(_ call: FallbackCall, _ end: CommandRun.End) {
        runs[call.service] = nil
        switch end {
        case .status(let status) where status.isSuccess: break
        case .status(let status): log.write("fallbackcommand \(call.shellText) failed: \(status)")
        case .timedOut:
            log.write("fallbackcommand \(call.shellText) failed: ended after \(Self.timeLimit.components.seconds) s")
        }
        startNext(call.service)
    }
}
