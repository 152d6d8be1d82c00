// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// The relay as seen from outside: its control socket, and the file beside it that names its process.
struct RelayProcess {
    /// How it is.
    enum Condition: Equatable {
        /// No process.
        case stopped
        /// It works and is in the group.
        case joined
        /// It answers and has been without the group for so many seconds.
        case separated(seconds: Int, reason: String)
        /// It does not answer, or cannot do its work.
        case broken(String)
    }

    /// How long a running relay may be without Corosync before it counts as failed.
    private static let separationLimit = 30
    private static let joinTime = Duration.seconds(8)

    let settings: SyncdRelaySettings

    private var processPath: String {
        let path = settings.control
        return (path.hasSuffix(".sock") ? String(path.dropLast(5)) : path) + ".pid"
    }

    /// Asks the relay.
    func condition(patience: Duration = .seconds(2)) -> Condition {
        do {
            return Self.condition(answer: try ControlClient(path: settings.control).ask("ping", timeout: patience))
        } catch {
            if case .notRunning = error {
                return identity == nil ? .stopped : .broken("the relay runs, but \(error)")
            }
            return .broken("the relay does not answer: \(error)")
        }
    }

    /// Reads the answer to "ping": `joined`, `not-joined SECONDS REASON` or `broken REASON`.
    static func condition(answer: String) -> Condition {
        let words = answer.split(whereSeparator: \.isWhitespace)
        switch words.first {
        case "joined": return .joined
        case "broken": return .broken(words.dropFirst().joined(separator: " "))
        case "not-joined" where words.count >= 2:
            guard let seconds = Int(words[1]) else {
                return .broken("the relay answers nonsense")
            }
            return .separated(seconds: seconds, reason: words.dropFirst(2).joined(separator: " "))
        default: return .broken("the relay answers nonsense")
        }
    }

    /// What a monitor complains about; nil when all is well.
    var complaint: String? {
        switch condition() {
        case .joined: nil
        case .stopped: "the relay does not run"
        case .separated(let seconds, let reason):
            seconds < Self.separationLimit ? nil : "the relay has not been in its group for \(seconds) s: \(reason)"
        case .broken(let reason): "the relay: \(reason)"
        }
    }

    /// Starts the relay unless it runs with this very command line, and waits until it is in the group.
    ///
    /// - Throws: ``OCFError``.
    func start(_ log: AgentLog) throws(OCFError) {
        guard access(settings.binary, X_OK) == 0 else {
            throw OCFError(
                .installed,
                "\(settings.binary) is not installed on this node; install it, or set relay_binary"
            )
        }
        if isSameCommand, case .joined = condition() {
            return
        }
        try end()
        let child: ChildProcess
        do {
            child = try ChildProcess.start(settings.command, group: .session)
        } catch {
            throw OCFError(.installed, "\(error)")
        }
        let deadline = Deadline(after: Self.joinTime)
        var last = "it does not answer"
        while !deadline.hasPassed {
            if let status = try? child.wait(until: Deadline(after: .milliseconds(50))) {
                let command = settings.command.joined(separator: " ")
                throw OCFError(
                    .generic,
                    "the relay ended at once (\(status)); run \"\(command) --foreground\" to see why"
                )
            }
            switch condition(patience: .milliseconds(500)) {
            case .joined: return log.info("started the relay, transport \(settings.transport.rawValue)")
            case .separated(_, let reason), .broken(let reason): last = reason
            case .stopped: continue
            }
        }
        if case .broken(let reason) = condition() {
            try end()
            throw OCFError(.generic, "the relay does not work: \(reason)")
        }
        // Corosync may come later; a monitor says when it takes too long.
        log.warning("the relay is not in its group yet: \(last)")
    }

    /// Ends the relay if it runs, and waits until it is gone.
    func end() throws(OCFError) {
        do {
            try identity?.end(grace: .seconds(3))
        } catch {
            throw OCFError(.generic, "cannot stop the relay: \(error)")
        }
    }

    /// The running relay; nil when there is none.
    private var identity: ProcessIdentity? {
        // A file that cannot be read names nobody; whoever holds it is found by the socket.
        (try? TextFile.read(processPath, limit: 256)).flatMap(ProcessIdentity.init(text:))
            .flatMap { $0.isAlive ? $0 : nil }
    }

    private var isSameCommand: Bool {
        guard let identity, let text = try? TextFile.read("/proc/\(identity.pid)/cmdline", limit: 8192) else {
            return false
        }
        return text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
            == settings.command
    }
}
