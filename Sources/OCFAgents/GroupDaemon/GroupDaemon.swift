// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What the agents share that run a daemon with a process group: start, stop and monitor.
struct GroupDaemon {
    /// What such an agent declares.
    static let actions = [
        ActionDeclaration(.start, timeout: 20, needsRoot: true),
        ActionDeclaration(.stop, timeout: 20, needsRoot: true),
        ActionDeclaration(.monitor, timeout: 20, interval: 10, needsRoot: true),
        ActionDeclaration(.status, timeout: 20, needsRoot: true),
        ActionDeclaration(.validateAll, timeout: 20),
        ActionDeclaration(.metaData, timeout: 5),
    ]

    /// How long start waits for the group once the daemon answers.
    private static let joinTime = Duration.seconds(10)

    /// How long a running daemon may be without corosync before it counts as failed, in seconds.
    private static let separationLimit = 30

    /// How long it may take to end before it is killed.
    private static let grace = Duration.seconds(8)

    /// The exit status of a daemon that does not understand its configuration.
    private static let wrongConfiguration: CInt = 6

    /// The process, by its name and its control socket.
    let process: DaemonProcess

    /// What it joins, in messages.
    let group: String

    /// What it is started with.
    let command: [String]

    /// What somebody runs to see why it ends at once.
    let foreground: String

    /// Whether a start may succeed without the group, for this reason; a monitor says when it takes too long.
    let mayJoinLater: (String) -> Bool

    let log: AgentLog

    private var name: String { process.name }

    /// Runs an action of an agent.
    ///
    /// - Parameters:
    ///   - action: The action.
    ///   - validate: Judges the parameters.
    /// - Returns: The exit code.
    /// - Throws: ``OCFError`` when the action failed.
    func run(_ action: AgentAction, validate: () throws(OCFError) -> Void) throws(OCFError) -> OCFExit {
        switch action {
        case .start:
            try validate()
            try start()
        case .stop: try end()
        case .reloadAgent:
            // It has no state that a moment without it would lose, and it reads its configuration when it starts.
            try validate()
            try end()
            try launch()
        case .monitor, .status: return try monitor()
        case .validateAll: try validate()
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
        return .success
    }

    private func monitor() throws(OCFError) -> OCFExit {
        switch process.condition() {
        case .stopped: return .notRunning
        case .joined: return .success
        case .separated(let seconds, let reason):
            guard seconds >= Self.separationLimit else {
                return .success
            }
            throw OCFError(.generic, "\(name) has not been in the group for \(seconds) s: \(reason)")
        case .broken(let reason): throw OCFError(.generic, reason)
        }
    }

    private func start() throws(OCFError) {
        switch process.condition() {
        case .joined, .separated: return log.info("\(name) runs already")
        case .broken(let reason):
            log.warning("\(reason): it is replaced")
            try end()
        case .stopped: break
        }
        try launch()
    }

    /// Starts the daemon and waits until it has joined the group.
    private func launch() throws(OCFError) {
        switch try process.launch(command, patience: Self.joinTime) {
        case .joined: return
        case .ended(let status):
            throw OCFError(
                status == .exited(Self.wrongConfiguration) ? .configured : .generic,
                "\(name) ended at once (\(status)); run \"\(foreground)\" to see why"
            )
        case .late(.joined): return
        case .late(.separated(_, let reason)) where mayJoinLater(reason):
            log.warning("\(group) is not joined yet: \(reason)")
        case .late(let condition):
            try end()
            let reason = condition.reason ?? ""
            throw OCFError(.generic, "\(name) did not join its group within \(Self.joinTime): \(reason)")
        }
    }

    private func end() throws(OCFError) {
        do {
            try process.end(grace: Self.grace)
        } catch {
            throw OCFError(.generic, "cannot stop \(name): \(error)")
        }
    }
}
