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
