// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import LinuxKit

/// Runs the `callback` program beside the checks: one at a time, with the configuration's full path as its argument.
final class Callback {
    /// The longest time that a run may take.
    static let timeLimit = Duration.seconds(60)

    private let loop: EventLoop
    private let log: EventLog
    private var run: CommandRun?
    private var next: (() -> Void)?

    init(on loop: EventLoop, log: EventLog) {
        self.loop = loop
        self.log = log
    }

    /// Starts the program; when one is running still, once more after that.
    ///
    /// The whole text must name an executable file: a callback with arguments never runs.
    func start(_ program: String, path: String) {
        guard run == nil else {
            next = { [weak self] in self?.start(program, path: path) }
            return
        }
        var info = stat()
        guard stat(program, &info) == 0, info.st_mode & S_IFMT == S_IFREG, access(program, X_OK) == 0 else {
            return log.write("callback \(program) is not an executable file and was not run")
        }
        do {
            log.write("Running callback: \(program) \(path)")
            run = try CommandRun([program, path], timeout: Self.timeLimit, on: loop) { [weak self] end in
                self?.ended(program, end)
            }
        } catch {
            log.write("callback failed: \(error)")
        }
    }

    private func ended(_ program: String, _ end: CommandRun.End) {
        run = nil
        switch end {
        case .status(let status) where status.isSuccess: log.write("callback \(program) done")
        case .status(let status): log.write("callback \(program) failed: \(status)")
        case .timedOut: log.write("callback \(program) failed: ended after \(Self.timeLimit.inSeconds)")
        }
        let again = next
        next = nil
        again?()
    }
}
