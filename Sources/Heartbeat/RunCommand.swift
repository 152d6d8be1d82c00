// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import HeartbeatCore
import LinuxKit

/// `heartbeat run`: the daemon itself; who wants it in the background starts it there (systemd, the OCF agent).
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the heartbeat until it is told to stop.")

    @OptionGroup var options: ConfigurationOption

    @OptionGroup var control: ControlOption

    @Flag(help: "Write the log to standard error instead of syslog.")
    var foreground = false

    @Option(help: "Also write the log to this file.")
    var logFile: String?

    func run() throws {
        var configuration = try options.load()
        configuration.logFile = logFile ?? configuration.logFile
        configuration.controlPath = control.control
        do {
            let daemon = try HeartbeatDaemon(configuration, version: heartbeatVersion, isForeground: foreground)
            try daemon.run()
        } catch {
            if error.operation == "lock", error.code == EWOULDBLOCK {
                complain("heartbeat: another heartbeat runs already (\(error.subject) is locked)")
                throw ProgramExit.alreadyRunning
            }
            complain("heartbeat: \(error)")
            throw ProgramExit.failed
        }
    }
}

/// `heartbeat stop`: ends the running daemon; the attributes stay, so that nothing moves.
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop the running heartbeat; nothing moves by that.")

    @OptionGroup var control: ControlOption

    func run() throws {
        guard let text = try? TextFile.read(control.processPath, limit: 256),
            let identity = ProcessIdentity(text: text), identity.isAlive
        else {
            complain("heartbeat: no heartbeat runs")
            return
        }
        do {
            try identity.end(grace: .seconds(5))
        } catch {
            complain("heartbeat: \(error)")
            throw ProgramExit.failed
        }
    }
}

/// `heartbeat check`: whether the configuration is good.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Check the configuration file and print what is wrong.")

    @OptionGroup var options: ConfigurationOption

    func run() throws {
        _ = try options.load()
        print("the configuration is good")
    }
}
