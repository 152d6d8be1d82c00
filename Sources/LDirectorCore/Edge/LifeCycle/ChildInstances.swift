// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import LinuxKit

/// The further configurations that run with this one (`execute`): each is an instance of this program, a process of its own.
final class ChildInstances {
    /// The longest time that one of their actions may take; a stop waits for up to 30 s by itself.
    static let timeLimit = Duration.seconds(40)

    private let loop: EventLoop
    private let log: EventLog
    private var names: [String] = []
    private var runs: [Int: CommandRun] = [:]
    private var lastRun = 0

    /// Called whenever the last action has ended.
    var whenIdle: (() -> Void)?

    /// Whether no action is under way.
    var isIdle: Bool { runs.isEmpty }

    init(on loop: EventLoop, log: EventLog) {
        self.loop = loop
        self.log = log
    }

    /// Makes these the configurations that run: new ones start, dropped ones stop, the others reload.
    func serve(_ wanted: [String]) {
        var seen: Set<String> = []
        let wanted = wanted.filter { seen.insert($0).inserted }
        for name in names where !seen.contains(name) {
            perform("stop", name)
        }
        for name in wanted {
            if names.contains(name) {
                perform("reload", name, otherwise: "start")
            } else {
                perform("start", name)
            }
        }
        names = wanted
    }

    /// Stops all of them.
    func stop() { serve([]) }

    private func perform(_ action: String, _ name: String, otherwise: String? = nil) {
        guard let program = Self.program else {
            return log.write("execute \(name): cannot find this program: \(SystemError.last("readlink").reason)")
        }
        lastRun += 1
        let number = lastRun
        do {
            runs[number] = try CommandRun(
                [program, "--background", name, action],
                environment: Self.environment,
                timeout: Self.timeLimit,
                on: loop
            ) { [weak self] end in self?.ended(number, action, name, end, otherwise) }
        } catch {
            log.write("execute \(name) \(action): \(error)")
        }
    }

    private func ended(_ number: Int, _ action: String, _ name: String, _ end: CommandRun.End, _ otherwise: String?) {
        runs[number] = nil
        switch end {
        case .status(let status) where status.isSuccess: log.write("execute \(name): \(action) done")
        case .status where otherwise != nil:
            if let otherwise {
                perform(otherwise, name)
            }
        case .status(let status):
            log.write("execute \(name): \(action) failed: \(status); see ldirectord check-config \(name), and its log")
        case .timedOut: log.write("execute \(name): \(action) was ended after \(Self.timeLimit.components.seconds) s")
        }
        if isIdle {
            whenIdle?()
        }
    }

    /// Our own file, never one of this name that happens to lie about.
    private static var program: String? {
        guard let path = realpath("/proc/self/exe", nil) else {
            return nil
        }
        defer { free(path) }
        return String(cString: path)
    }

    /// Ours without what is meant for this process alone.
    private static var environment: [String] {
        let own = [Command.detachedMark, "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"].map { $0 + "=" }
        var result: [String] = []
        var position = environ
        while let entry = position.pointee {
            let text = String(cString: entry)
            if !own.contains(where: text.hasPrefix) {
                result.append(text)
            }
            position += 1
        }
        return result
    }
}
