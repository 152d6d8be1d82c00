// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

extension Command {
    /// Gives a running instance an order about single servers.
    func order(_ text: String) -> Exit {
        guard case .process = owner() else {
            complain("no instance \(arguments.instance) is running")
            return .failure
        }
        do {
            let answer = try ControlClient(path: files.controlSocket).ask(text, timeout: .seconds(5))
            let isDone = answer.split(separator: "\n").contains { $0.hasPrefix("ok ") }
            Self.say(answer, to: isDone ? STDOUT_FILENO : STDERR_FILENO)
            return isDone ? .success : .failure
        } catch {
            complain("the order was not given: \(error)")
            return .failure
        }
    }

    /// Shows the state of the configurations that run with this one (`execute`); what comes of it does not count.
    func showChildren() {
        do {
            let answer = try ControlClient(path: files.controlSocket).ask("children", timeout: .seconds(5))
            guard let program = realpath("/proc/self/exe", nil) else {
                return
            }
            defer { free(program) }
            for name in answer.split(separator: "\n") {
                let words = [String(cString: program), String(name), "status"]
                let outcome = try ChildProcess.run(words, timeout: .seconds(10), limit: 1 << 20)
                Self.say(String(decoding: outcome.errors, as: UTF8.self), to: STDERR_FILENO)
                Self.say(String(decoding: outcome.output, as: UTF8.self))
            }
        } catch {
            complain("the state of configurations of execute= cannot be shown: \(error)")
        }
    }
}
