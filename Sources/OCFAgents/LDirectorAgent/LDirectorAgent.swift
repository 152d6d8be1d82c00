// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

/// ldirectord as a cluster resource.
///
/// monitor starts no process: it asks the daemon's event loop over its control socket. stop returns when the daemon
/// has ended and its table is gone, so that the address moves after the table does.
public struct LDirectorAgent: OCFAgent {
    static let configuration = Parameter(
        "configfile",
        default: "/etc/ha.d/ldirectord.cf",
        uniqueGroup: "configuration",
        summary: "Configuration file",
        details: "The absolute path of the configuration file. Its last component names the instance."
    )
    static let binary = Parameter(
        "ldirectord",
        default: "/usr/sbin/ldirectord",
        summary: "The ldirectord program",
        details: "The absolute path of the ldirectord program."
    )
    static let pidFile = Parameter(
        "pidfile",
        default: "",
        summary: "Pid file",
        details: "The absolute path of the pid file. Empty: /var/run/ldirectord.INSTANCE.pid."
    )
    static let extraArguments = Parameter(
        "extra_args",
        default: "",
        summary: "Further options of the program",
        details: "Options that ldirectord is started with, divided by blanks; there is no shell and no quoting."
    )

    /// Name, version, parameters and actions.
    public static let declaration = AgentDeclaration(
        name: "ldirectord",
        version: "0.1",
        summary: "Manages ldirectord, which checks real servers and keeps the IPVS table",
        details: """
            Starts and stops ldirectord with a configuration file. monitor asks the running daemon whether its checks go \
            on; with check level 10 also whether the kernel's IPVS table is what ldirectord wants it to be.
            """,
        parameters: [configuration, binary, pidFile, extraArguments],
        actions: [
            ActionDeclaration(.start, timeout: 20, needsRoot: true),
            ActionDeclaration(.stop, timeout: 20, needsRoot: true),
            ActionDeclaration(.monitor, timeout: 20, interval: 20, depth: 0),
            ActionDeclaration(.monitor, timeout: 20, interval: 60, depth: 10),
            ActionDeclaration(.status, timeout: 20),
            ActionDeclaration(.reload, timeout: 20, needsRoot: true),
            ActionDeclaration(.reloadAgent, timeout: 20, needsRoot: true),
            ActionDeclaration(.validateAll, timeout: 10),
            ActionDeclaration(.metaData, timeout: 10),
        ]
    )

    private let environment: AgentEnvironment
    private let log: AgentLog
    private let configuration: String
    private let binary: String
    private let options: [String]
    let contact: DaemonContact

    /// Reads the parameters.
    public init(environment: AgentEnvironment, log: AgentLog) {
        self.environment = environment
        self.log = log
        configuration = environment.text(Self.configuration)
        binary = environment.text(Self.binary)
        let pidFile = environment.text(Self.pidFile)
        contact = DaemonContact(configuration: configuration, pidFile: pidFile)
        options =
            environment.text(Self.extraArguments).split(whereSeparator: \.isWhitespace).map(String.init)
            + (pidFile.isEmpty ? [] : ["--pidfile", pidFile])
    }

    /// Runs an action.
    public func run(_ action: AgentAction) throws(OCFError) -> OCFExit {
        switch action {
        case .start: return try start()
        case .stop: return try stop()
        case .monitor, .status: return try monitor()
        case .reload, .reloadAgent: return try reload()
        case .validateAll: return try validate()
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    /// Time for waiting inside the action, with a margin before the cluster manager's own limit.
    private var patience: Duration {
        let limit = environment.timeoutMilliseconds ?? 20_000
        return .milliseconds(max(1000, limit - max(1000, limit / 10)))
    }

    private func ping() -> DaemonContact.State {
        contact.state(asking: "ping", expecting: "ok", timeout: min(.seconds(5), patience))
    }

    private func monitor() throws(OCFError) -> OCFExit {
        switch ping() {
        case .stopped: return .notRunning
        case .forbidden(let reason): throw OCFError(.permission, reason)
        case .failing(let reason): throw OCFError(.generic, reason)
        case .answering: break
        }
        if environment.checkLevel >= 10 {
            let state = contact.state(asking: "table", expecting: "equal", timeout: min(.seconds(10), patience))
            switch state {
            case .answering: break
            case .stopped: return .notRunning
            case .failing(let reason), .forbidden(let reason):
                throw OCFError(.generic, "the IPVS table is not what \(configuration) asks for: \(reason)")
            }
        }
        return .success
    }

    private func requireFiles() throws(OCFError) {
        guard configuration.hasPrefix("/"), binary.hasPrefix("/") else {
            throw OCFError(.configured, "configfile and ldirectord must be absolute paths")
        }
        guard contact.pidFile.hasPrefix("/") else {
            throw OCFError(.configured, "pidfile=\"\(contact.pidFile)\" is not an absolute path")
        }
        if let option = options.first(where: { !$0.hasPrefix("-") && $0 != contact.pidFile }) {
            throw OCFError(.configured, "extra_args: \"\(option)\" is not an option")
        }
        if options.contains(where: { ["-d", "--debug", "--foreground"].contains($0) }) {
            throw OCFError(.configured, "extra_args: ldirectord must not stay in the foreground")
        }
        guard access(configuration, R_OK) == 0 else {
            throw OCFError(.installed, "configuration file \(configuration) cannot be read: \(Self.reason())")
        }
        guard access(binary, X_OK) == 0 else {
            throw OCFError(.installed, "program \(binary) cannot be run: \(Self.reason())")
        }
    }

    private static func reason() -> String { SystemError.last("access").reason }

    private func start() throws(OCFError) -> OCFExit {
        try requireFiles()
        switch ping() {
        case .answering: return .success
        case .failing(let reason), .forbidden(let reason): throw OCFError(.generic, reason)
        case .stopped: break
        }
        let deadline = Deadline(after: patience)
        try runDaemon("start", until: deadline)
        // The command returns once the daemon is set up; the socket is there a moment later at most.
        var state = ping()
        while state != .answering && !deadline.hasPassed {
            usleep(20_000)
            state = ping()
        }
        switch state {
        case .answering: return .success
        case .stopped:
            try giveUp("\(binary) \(configuration) start succeeded, but nothing answers on \(contact.socketPath)")
        case .failing(let reason), .forbidden(let reason): try giveUp(reason)
        }
    }

    /// Ends what a failed start left: a daemon that the cluster does not know of must not run.
    private func giveUp(_ reason: String) throws(OCFError) -> Never {
        do {
            try runDaemon("stop", until: Deadline(after: .seconds(2)))
        } catch {
            log.warning(error.reason)
        }
        throw OCFError(.generic, reason)
    }

    /// Stops the daemon by its own command, else by signals; without a daemon nothing else matters.
    private func stop() throws(OCFError) -> OCFExit {
        if ping() == .stopped {
            return .success
        }
        let deadline = Deadline(after: patience)
        if access(binary, X_OK) == 0 {
            do {
                try runDaemon("stop", until: deadline, share: 2)
            } catch {
                log.warning(error.reason)
            }
        }
        if ping() == .stopped {
            return .success
        }
        guard let pid = contact.lockHolder, let daemon = ProcessIdentity(pid: pid) else {
            // Something answers, but no process can be named: saying "stopped" would be a lie.
            guard ping() == .stopped else {
                throw OCFError(
                    .generic,
                    "ldirectord answers on \(contact.socketPath), but nobody holds \(contact.pidFile)"
                )
            }
            return .success
        }
        log.warning("ending ldirectord with pid \(pid) by signals")
        do {
            try daemon.end(grace: max(.seconds(1), deadline.remaining - .seconds(2)))
        } catch {
            throw OCFError(error)
        }
        guard !daemon.isAlive else {
            throw OCFError(.generic, "ldirectord with pid \(pid) survived SIGKILL")
        }
        return .success
    }

    private func reload() throws(OCFError) -> OCFExit {
        try requireFiles()
        try runDaemon("reload", until: Deadline(after: patience))
        return .success
    }

    private func validate() throws(OCFError) -> OCFExit {
        try requireFiles()
        let deadline = Deadline(after: patience)
        do {
            try runDaemon("check-config", until: deadline)
        } catch {
            throw error.with(.configured)
        }
        return .success
    }

    /// Runs the program with the configuration file and fails with the first line that it prints on standard error.
    private func runDaemon(
        _ action: String,
        until deadline: Deadline,
        share: Int = 1
    ) throws(OCFError) {
        let words = options + (action == "start" ? ["--background"] : []) + [configuration, action]
        let outcome: ChildProcess.Outcome
        do {
            outcome = try ChildProcess.run([binary] + words, timeout: deadline.remaining / share)
        } catch {
            throw OCFError(error)
        }
        guard outcome.status.isSuccess else {
            let name = ([binary] + words).joined(separator: " ")
            let how = outcome.timedOut ? "did not end in time" : "\(outcome.status)"
            let line = outcome.errorText.prefix { !$0.isNewline }
            throw OCFError(.generic, line.isEmpty ? "\(name): \(how)" : "\(name): \(how): \(line)")
        }
    }
}
