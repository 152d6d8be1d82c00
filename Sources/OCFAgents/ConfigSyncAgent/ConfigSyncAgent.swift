// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// `ocf:vervet:configsync`: runs the daemon that keeps ldirectord's configuration the same on all directors.
///
/// Stopping or losing the daemon changes no file and moves nothing.
public struct ConfigSyncAgent: OCFAgent {
    /// Name, version, parameters and actions.
    public static let declaration = AgentDeclaration(
        name: "configsync",
        version: "1.0",
        summary: "Keeps ldirectord's configuration the same on all directors",
        details: """
            Runs the configsync daemon. It sends a changed configuration file to the other directors over corosync, where \
            the parser of ldirectord judges it before it replaces the file there, and it overwrites no edit that another \
            director has made meanwhile. ldirectord tells it of an edit by callback = "/usr/sbin/configsync". Run it as an \
            anonymous clone on all directors, with no order or colocation: the service does not depend on it.
            """,
        parameters: ConfigSyncParameters.all,
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
        case .stop:
            try end()
            return .success
        case .monitor, .status: return try monitor()
        case .validateAll:
            try validate()
            return .success
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    private var daemon: HeartbeatProcess {
        HeartbeatProcess(controlPath: environment.text(ConfigSyncParameters.control), name: "configsync")
    }

    private var files: [String] {
        environment.text(ConfigSyncParameters.files).split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private func monitor() throws(OCFError) -> OCFExit {
        switch daemon.condition() {
        case .stopped: return .notRunning
        case .joined: return .success
        case .separated(let seconds, let reason):
            guard seconds >= Self.separationLimit else {
                return .success
            }
            throw OCFError(.generic, "configsync has not been in the group for \(seconds) s: \(reason)")
        case .broken(let reason): throw OCFError(.generic, reason)
        }
    }

    private func validate() throws(OCFError) {
        let paths = [ConfigSyncParameters.binary, ConfigSyncParameters.control, ConfigSyncParameters.state]
        for parameter in paths where environment.text(parameter).utf8.first != UInt8(ascii: "/") {
            let value = environment.text(parameter)
            throw OCFError(.configured, "parameter \(parameter.name)=\"\(value)\" is not an absolute path")
        }
        guard !files.isEmpty, Set(files).count == files.count else {
            throw OCFError(.configured, "parameter files names no file, or one of them twice")
        }
        for file in files where file.utf8.first != UInt8(ascii: "/") || file.utf8.count > 255 {
            throw OCFError(.configured, "parameter files: \"\(file)\" is not an absolute path of at most 255 bytes")
        }
        let binary = environment.text(ConfigSyncParameters.binary)
        guard access(binary, X_OK) == 0 else {
            throw OCFError(.installed, "\(binary) is not installed on this node; install the package, or set binary")
        }
    }

    private func start() throws(OCFError) -> OCFExit {
        try validate()
        switch daemon.condition() {
        case .joined, .separated:
            log.info("configsync runs already")
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
        let binary = environment.text(ConfigSyncParameters.binary)
        let control = environment.text(ConfigSyncParameters.control)
        let state = environment.text(ConfigSyncParameters.state)
        let child: ChildProcess
        do {
            let command = [binary, "run", "--control", control, "--state", state] + files
            child = try ChildProcess.start(command, group: .session)
        } catch {
            throw OCFError(.installed, "\(error)")
        }
        let deadline = Deadline(after: Self.joinTime)
        var last = "it does not answer"
        while !deadline.hasPassed {
            if let status = try? child.wait(until: Deadline(after: .milliseconds(50))) {
                throw OCFError(
                    .generic,
                    "configsync ended at once (\(status)); run \"\(binary) run --foreground FILE\" to see why"
                )
            }
            switch daemon.condition(patience: .milliseconds(500)) {
            case .joined: return
            case .separated(_, let reason): last = reason
            case .stopped, .broken: continue
            }
        }
        if case .separated(_, let reason) = daemon.condition() {
            log.warning("the group of directors is not joined yet: \(reason)")
            return
        }
        try end()
        throw OCFError(.generic, "configsync did not join its group within \(Self.joinTime): \(last)")
    }

    private func end() throws(OCFError) {
        do {
            try daemon.end(grace: .seconds(8))
        } catch {
            throw OCFError(.generic, "cannot stop configsync: \(error)")
        }
    }
}
