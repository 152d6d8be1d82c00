// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `heartbeat status`: one screen.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show links, peers, verdict and attributes.")

    @OptionGroup var control: ControlOption

    @Flag(help: "As JSON for programs.")
    var json = false

    func run() throws {
        print(try control.ask(json ? "status json" : "status"), terminator: "")
    }
}

/// `heartbeat explain`: the verdict with all its inputs.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the verdict with everything that led to it.")

    @OptionGroup var control: ControlOption

    func run() throws {
        print(try control.ask("explain"), terminator: "")
    }
}

/// `heartbeat ping`: whether the daemon answers and is in the group.
struct Ping: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask whether the heartbeat runs and has joined the group."
    )

    @OptionGroup var control: ControlOption

    func run() throws {
        let answer = try control.ask("ping")
        print(answer, terminator: "")
        if !answer.hasPrefix("joined") {
            throw ProgramExit.failed
        }
    }
}
