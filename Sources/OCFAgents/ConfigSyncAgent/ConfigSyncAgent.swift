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
        actions: GroupDaemon.actions
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
        try daemon.run(action) { () throws(OCFError) in try validate() }
    }

    private var daemon: GroupDaemon {
        let control = environment.text(ConfigSyncParameters.control)
        let state = environment.text(ConfigSyncParameters.state)
        return GroupDaemon(
            process: DaemonProcess(name: "configsync", controlPath: control),
            group: "the group of directors",
            command: [binary, "run", "--control", control, "--state", state] + files,
            foreground: "\(binary) run --foreground FILE",
            mayJoinLater: { _ in true },
            log: log
        )
    }

    private var binary: String { environment.text(ConfigSyncParameters.binary) }

    private var files: [String] {
        environment.text(ConfigSyncParameters.files).split(whereSeparator: \.isWhitespace).map(String.init)
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
        guard access(binary, X_OK) == 0 else {
            throw OCFError(.installed, "\(binary) is not installed on this node; install the package, or set binary")
        }
    }
}
