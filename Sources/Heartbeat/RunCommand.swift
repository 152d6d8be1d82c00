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

/// `heartbeat check`: whether everything is set as it should be.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check the configuration file, corosync's values and Pacemaker's rules, with the values to set.",
        discussion: "Warnings do not change the exit code; only a broken configuration file is an error."
    )

    @OptionGroup var options: ConfigurationOption

    @Flag(help: "Only the configuration file.")
    var fileOnly = false

    func run() throws {
        let configuration = try options.load()
        print("the configuration file is good")
        guard !fileOnly else {
            return
        }
        var advice: [Advice] = []
        do {
            let settings = try ClusterReader.corosync()
            let links = settings.links.keys.sorted()
            advice += settings.advice(designated: configuration.designatedLinks(of: links))
            let weight = configuration.designatedLinks(of: links).map(configuration.weight(ofLink:)).max() ?? 1000
            if let rules = ClusterReader.pacemaker() {
                let full = configuration.weight(ofHealthy: configuration.designatedLinks(of: links))
                advice += rules.advice(weight: weight, full: full)
            } else {
                print("Pacemaker does not answer: its rules are not checked")
            }
        } catch {
            print("corosync's values are not checked: \(error)")
        }
        for one in advice {
            print("warning: \(one)")
        }
        if advice.isEmpty {
            print("nothing to improve")
        }
    }
}
