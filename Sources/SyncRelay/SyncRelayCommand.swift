// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import LinuxKit
import SyncRelayCore

/// The program's version.
let syncRelayVersion = "0.1.0"

@main
struct SyncRelayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "syncrelay",
        abstract: "Carries the kernel's connection synchronisation to the other directors over the cluster's links.",
        discussion: """
            Exit codes: 0 success, 1 failed, 3 no relay runs, 4 another relay runs, 64 bad usage.
            """,
        version: syncRelayVersion,
        subcommands: [Run.self, Status.self, Ping.self, Resync.self, Observe.self]
    )
}

/// Codes with which the program ends besides 0 and 64 (bad usage).
enum ProgramExit {
    static let failed = ExitCode(1)
    static let notRunning = ExitCode(3)
    static let alreadyRunning = ExitCode(4)
}

/// Writes a line to standard error.
func complain(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    // Nothing can be said about standard error being gone.
    _ = write(2, bytes, bytes.count)
}

/// The option that all commands share which speak with the daemon.
struct ControlOption: ParsableArguments {
    @Option(help: "Control socket.")
    var control = RelayConfiguration.defaultControlPath

    /// Asks the running relay.
    func ask(_ request: String) throws -> String {
        do {
            return try ControlClient(path: control).ask(request)
        } catch {
            if case .notRunning = error {
                complain("syncrelay: \(error): it does not run here; start its resource, ocf:vervet:syncd")
                throw ProgramExit.notRunning
            }
            complain("syncrelay: \(error)")
            throw ProgramExit.failed
        }
    }
}

/// `syncrelay status`: one screen.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what was sent, received and lost, and the resyncs.")

    @OptionGroup var control: ControlOption

    @Flag(help: "As JSON for programs.")
    var json = false

    func run() throws { print(try control.ask(json ? "status json" : "status"), terminator: "") }
}

/// `syncrelay ping`: whether the relay works, by the exit code.
struct Ping: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ask whether the relay runs and is in the group.")

    @OptionGroup var control: ControlOption

    func run() throws {
        let answer = try control.ask("ping")
        print(answer, terminator: "")
        if !answer.hasPrefix("joined") {
            throw ProgramExit.failed
        }
    }
}

/// `syncrelay resync`: everything again.
struct Resync: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Ask the other directors for all connections again.")

    @OptionGroup var control: ControlOption

    func run() throws { print(try control.ask("resync"), terminator: "") }
}
