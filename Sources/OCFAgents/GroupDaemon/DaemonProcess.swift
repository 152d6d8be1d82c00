// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// A daemon with a process group as seen from outside: its control socket, and the file beside it that names its process.
struct DaemonProcess {
    /// How it is.
    enum Condition: Equatable {
        /// No process.
        case stopped

        /// It answers and is in the group.
        case joined

        /// It answers and has been without the group for so many seconds.
        case separated(seconds: Int, reason: String)

        /// It runs, but cannot do its work, does not answer, or answers nonsense.
        case broken(String)

        /// Why it is not in the group; nil when it is.
        var reason: String? {
            switch self {
            case .joined: nil
            case .stopped: "it does not answer"
            case .separated(_, let reason), .broken(let reason): reason
            }
        }
    }

    /// What the daemon is called in messages.
    let name: String

    /// The control socket.
    let controlPath: String

    private var processPath: String {
        (controlPath.hasSuffix(".sock") ? String(controlPath.dropLast(5)) : controlPath) + ".pid"
    }

    /// Asks the daemon.
    func condition(patience: Duration = .seconds(2)) -> Condition {
        do {
            return condition(answer: try ControlClient(path: controlPath).ask("ping", timeout: patience))
        } catch {
            if case .notRunning = error {
                return identity == nil ? .stopped : .broken("\(name) runs, but \(error)")
            }
            return .broken("\(name) does not answer: \(error)")
        }
    }

    /// Reads the answer to "ping": `joined`, `not-joined SECONDS REASON` or `broken REASON`.
    func condition(answer: String) -> Condition {
        let words = answer.split(whereSeparator: \.isWhitespace)
        switch words.first {
        case "joined": return .joined
        case "broken": return .broken(words.dropFirst().joined(separator: " "))
        case "not-joined" where words.count >= 2:
            guard let seconds = Int(words[1]) else {
                return .broken("\(name) answers nonsense")
            }
            return .separated(seconds: seconds, reason: words.dropFirst(2).joined(separator: " "))
        default: return .broken("\(name) answers nonsense")
        }
    }

    /// How a start ended.
    enum Launch: Equatable {
        /// It is in the group.
        case joined

        /// It ended at once.
        case ended(ChildProcess.Status)

        /// Time is over, and this is how it is.
        case late(Condition)
    }

    /// Starts the daemon and waits until it is in the group.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - patience: For how long.
    /// - Returns: How it is.
    /// - Throws: ``OCFError`` when the program cannot be started.
    func launch(_ command: [String], patience: Duration) throws(OCFError) -> Launch {
        let child: ChildProcess
        do {
            child = try ChildProcess.start(command, group: .session)
        } catch {
            throw OCFError(.installed, "\(error)")
        }
        let deadline = Deadline(after: patience)
        while !deadline.hasPassed {
            if let status = try? child.wait(until: Deadline(after: .milliseconds(50))) {
                return .ended(status)
            }
            if condition(patience: .milliseconds(500)) == .joined {
                return .joined
            }
        }
        return .late(condition())
    }

    /// Ends the daemon if it runs, and waits until it is gone.
    func end(grace: Duration) throws(SystemError) {
        try identity?.end(grace: grace)
    }

    /// The running daemon; nil when there is none.
    var identity: ProcessIdentity? {
        // A file that cannot be read names nobody; whoever holds it is found by the socket.
        (try? TextFile.read(processPath, limit: 256)).flatMap(ProcessIdentity.init(text:))
            .flatMap { $0.isAlive ? $0 : nil }
    }
}
