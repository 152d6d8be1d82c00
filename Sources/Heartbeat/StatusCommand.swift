// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc

/// `heartbeat status`: one screen.
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show links, peers, verdict and attributes.")

    @OptionGroup var control: ControlOption

    @Flag(help: "As JSON for programs.")
    var json = false

    @Flag(help: "Show it again every second until interrupted.")
    var watch = false

    @Flag(name: .shortAndLong, help: "Only one line: the state.")
    var quiet = false

    func run() throws {
        while watch {
            let text = try control.ask("status")
            // Home, then clear what is below: no flicker.
            print("\u{1b}[H\u{1b}[J" + text, terminator: "")
            fflush(nil)
            sleep(1)
        }
        guard !quiet else {
            let text = try control.ask("status")
            print(text.prefix { $0 != "\n" })
            return
        }
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
