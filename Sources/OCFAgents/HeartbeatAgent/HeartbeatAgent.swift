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
        actions: GroupDaemon.actions + [ActionDeclaration(.reloadAgent, timeout: 20, needsRoot: true)]
    )

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
        guard environment.text(HeartbeatParameters.managed) == "systemd" else {
            return try daemon.run(action) { () throws(OCFError) in try validate() }
        }
        guard action != .reloadAgent else {
            log.info("the heartbeat is systemd's: systemctl restart heartbeat.service makes it read its configuration")
            return .success
        }
        let directory = environment.runtimeDirectory
        // Instances of a clone are one on each node.
        let name = environment.instance.prefix { $0 != ":" }.map { $0 == "/" ? "-" : $0 }
        let foreign = ForeignDaemon(
            daemon: daemon,
            unit: "heartbeat.service",
            mark: "\(directory)/vervet-heartbeat.\(String(name))"
        )
        return try foreign.run(action) { () throws(OCFError) in try validate() }
    }

    private var daemon: GroupDaemon {
        let extra = environment.text(HeartbeatParameters.extraArguments).split(separator: " ").map(String.init)
        let control = environment.text(HeartbeatParameters.control)
        return GroupDaemon(
            process: DaemonProcess(name: "the heartbeat", controlPath: control),
            group: "the group of heartbeats",
            command: [binary, "run"] + configurationArguments + ["--control", control] + extra,
            foreground: "\(binary) run --foreground",
            mayJoinLater: { $0.hasPrefix("connecting") },
            log: log
        )
    }

    private var binary: String { environment.text(HeartbeatParameters.binary) }

    private var configurationArguments: [String] {
        let path = environment.text(HeartbeatParameters.config)
        return path.isEmpty ? [] : ["--config", path]
    }

    private func validate() throws(OCFError) {
        let managed = environment.text(HeartbeatParameters.managed)
        guard HeartbeatParameters.managers.contains(managed) else {
            throw OCFError(.configured, "parameter managed=\"\(managed)\" is neither agent nor systemd")
        }
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
}
