// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// `ocf:vervet:heartbeat`: runs the daemon that watches the links and publishes hb-score.
///
/// Neither stopping nor losing the daemon moves anything: the attributes stay as they are.
public struct HeartbeatAgent: OCFAgent {
    /// Name, version, parameters and actions.
    public static let declaration = AgentDeclaration(
        name: "heartbeat",
        version: "1.0",
        summary: "Watches every link between the directors",
        details: """
            Runs the heartbeat daemon. It watches each corosync link to each other director separately, shares what it \
            sees with the others, and sets the node attribute hb-score: 1000 when the designated link is healthy, 0 \
            when this director's end of it is at fault. A location rule with score-attribute moves the service. Run \
            it as an anonymous clone on all directors, ordered before the service only optionally: the end of a \
            heartbeat must not stop or move anything.
            """,
        parameters: HeartbeatParameters.all,
        actions: [
            ActionDeclaration(.start, timeout: 20, needsRoot: true),
            ActionDeclaration(.stop, timeout: 20, needsRoot: true),
            ActionDeclaration(.monitor, timeout: 20, interval: 10, needsRoot: true),
            ActionDeclaration(.status, timeout: 20, needsRoot: true),
            ActionDeclaration(.validateAll, timeout: 20),
            ActionDeclaration(.metaData, timeout: 5),
        ]
    )

    /// How long start waits for the group once the daemon answers.
    private static let joinTime = Duration.seconds(10)

    /// How long a running daemon may be without corosync before it counts as failed.
    private static let separationLimit = 30

    private let environment: AgentEnvironment
    private let log: AgentLog

    /// Takes what the invocation was given.
    public init(environment: AgentEnvironment, log: AgentLog) {
        self.environment = environment
        self.log = log
    }

    /// Runs one of the declared actions.
    ///
    /// - Parameter action: The action.
    /// - Returns: The exit code.
    /// - Throws: ``OCFError`` when the action failed.
    public func run(_ action: AgentAction) throws(OCFError) -> OCFExit {
        switch action {
        case .start: return try start()
        case .stop: return try stop()
        case .monitor, .status: return try monitor()
        case .validateAll:
            try validate()
            return .success
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    private var daemon: HeartbeatProcess {
        HeartbeatProcess(controlPath: environment.text(HeartbeatParameters.control))
    }

    private var binary: String { environment.text(HeartbeatParameters.binary) }

    private var configurationArguments: [String] {
        let path = environment.text(HeartbeatParameters.config)
        return path.isEmpty ? [] : ["--config", path]
    }

    private func monitor() throws(OCFError) -> OCFExit {
        switch daemon.condition() {
        case .stopped: return .notRunning
        case .joined: return .success
        case .separated(let seconds, let reason):
            guard seconds >= Self.separationLimit else {
                return .success
            }
            throw OCFError(.generic, "the heartbeat has not been in the group for \(seconds) s: \(reason)")
        case .broken(let reason):
            throw OCFError(.generic, reason)
        }
    }

    private func validate() throws(OCFError) {
        guard binary.utf8.first == UInt8(ascii: "/") else {
            throw OCFError(.configured, "parameter binary=\"\(binary)\" is not an absolute path")
        }
        guard access(binary, X_OK) == 0 else {
            throw OCFError(.installed, "\(binary) is not installed on this node; install the package, or set binary")
        }
        let outcome: ChildProcess.Outcome
        do {
            let command = [binary, "check", "--file-only"] + configurationArguments
            outcome = try ChildProcess.run(command, timeout: .seconds(5), limit: 4096)
        } catch {
            throw OCFError(.installed, "\(error)")
        }
        if outcome.status == .exited(6) {
            let first = outcome.errorText.split(separator: "\n").first.map(String.init)
            throw OCFError(.configured, first ?? "the configuration file is wrong")
        }
        guard outcome.status.isSuccess else {
            throw OCFError(.installed, "\(binary) check: \(outcome.status) \(outcome.errorText)")
        }
    }

    private func start() throws(OCFError) -> OCFExit {
        try validate()
        switch daemon.condition() {
        case .joined, .separated:
            log.info("a heartbeat runs already")
        case .broken(let reason):
            log.warning("\(reason): it is replaced")
            try end()
            try launch()
        case .stopped:
            try launch()
        }
        return .success
    }

    /// Starts the daemon and waits until it has joined the group.
    private func launch() throws(OCFError) {
        let extra = environment.text(HeartbeatParameters.extraArguments).split(separator: " ").map(String.init)
        let control = ["--control", environment.text(HeartbeatParameters.control)]
        let child: ChildProcess
        do {
            let command = [binary, "run"] + configurationArguments + control + extra
            child = try ChildProcess.start(command, group: .session)
        } catch {
            throw OCFError(.installed, "\(error)")
        }
        let deadline = Deadline(after: Self.joinTime)
        var last = "it does not answer"
        while !deadline.hasPassed {
            if let status = try? child.wait(until: Deadline(after: .milliseconds(50))) {
                throw OCFError(
                    status == .exited(6) ? .configured : .generic,
                    "the heartbeat ended at once (\(status)); run \"\(binary) run --foreground\" to see why"
                )
            }
            switch daemon.condition(patience: .milliseconds(500)) {
            case .joined: return
            case .separated(_, let reason): last = reason
            case .stopped, .broken: continue
            }
        }
        if case .separated(_, let reason) = daemon.condition(), reason.hasPrefix("connecting") {
            log.warning("the group of heartbeats is not joined yet: \(reason)")
            return
        }
        try end()
        throw OCFError(.generic, "the heartbeat did not join its group within \(Self.joinTime): \(last)")
    }

    private func stop() throws(OCFError) -> OCFExit {
        try end()
        return .success
    }

    private func end() throws(OCFError) {
        do {
            try daemon.end(grace: .seconds(8))
        } catch {
            throw OCFError(.generic, "cannot stop the heartbeat: \(error)")
        }
    }
}
