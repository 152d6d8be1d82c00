// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import HeartbeatCore
import LinuxKit

/// The program's version.
let heartbeatVersion = "0.1.0"

@main
struct HeartbeatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heartbeat",
        abstract: "Watches every link to every other director and tells Pacemaker when the designated one is dead.",
        discussion: """
            Exit codes: 0 success, 1 failed, 3 no heartbeat runs, 4 another heartbeat runs, 6 bad configuration, \
            64 bad usage.
            """,
        version: heartbeatVersion,
        subcommands: [
            Run.self, Stop.self, Status.self, Explain.self, History.self, Metrics.self, Nodes.self, NodeState.self,
            Links.self, LinkState.self, Ping.self, Force.self, Maintenance.self, Check.self, Config.self,
            Convert.self,
        ]
    )
}

/// Codes with which the program ends besides 0 and 64 (bad usage).
enum ProgramExit {
    static let failed = ExitCode(1)
    static let notRunning = ExitCode(3)
    static let alreadyRunning = ExitCode(4)
    static let configuration = ExitCode(6)
}

/// Writes a line to standard error.
func complain(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    // Nothing can be said about standard error being gone.
    _ = write(2, bytes, bytes.count)
}

/// The option that all commands share which read the configuration.
struct ConfigurationOption: ParsableArguments {
    @Option(help: "Configuration file (default: /etc/vervet/heartbeat.conf if it exists).")
    var config: String?

    func load() throws -> HeartbeatConfiguration {
        do {
            return try ConfigurationLoader.load(config)
        } catch {
            complain(error.description)
            throw ProgramExit.configuration
        }
    }
}

/// The option that all commands share which speak with the daemon.
struct ControlOption: ParsableArguments {
    @Option(help: "Control socket.")
    var control = HeartbeatConfiguration.defaultControlPath

    /// The file of the daemon's process.
    var processPath: String { HeartbeatConfiguration.processPath(besides: control) }

    /// Asks the running daemon.
    func ask(_ request: String) throws -> String {
        do {
            return try ControlClient(path: control).ask(request)
        } catch {
            if case .notRunning = error {
                complain("heartbeat: \(error): it does not run here; start its resource, or heartbeat.service")
                throw ProgramExit.notRunning
            }
            complain("heartbeat: \(error)")
            throw ProgramExit.failed
        }
    }
}
