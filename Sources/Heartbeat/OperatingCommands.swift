// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import HeartbeatCore
import LinuxKit

/// Prints the daemon's answer; one that begins with "error: " is a failure.
private func show(_ answer: String) throws {
    guard !answer.hasPrefix("error: ") else {
        complain("heartbeat: " + answer.dropFirst("error: ".count).trimmed)
        throw ProgramExit.failed
    }
    print(answer, terminator: "")
}

extension Substring {
    /// Without the line feeds at its end.
    fileprivate var trimmed: Substring {
        var text = self
        while text.last == "\n" {
            text.removeLast()
        }
        return text
    }
}

/// `heartbeat history`: the last changes.
struct History: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the last changes with what led to them.")

    @OptionGroup var control: ControlOption

    @Argument(help: "How many (at most 256).")
    var count = 40

    func run() throws { try show(control.ask("history \(count)")) }
}

/// `heartbeat metrics`: for Prometheus.
struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the state in Prometheus' text format, for its textfile collector."
    )

    @OptionGroup var control: ControlOption

    func run() throws { try show(control.ask("metrics")) }
}

/// `heartbeat nodes`: who is a member.
struct Nodes: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the nodes: up, dead or unknown, and whether their heartbeat speaks."
    )

    @OptionGroup var control: ControlOption

    @Flag(help: "Only the ping nodes: targets and groups, with their link and whether they answer.")
    var ping = false

    @Flag(help: "Only the members of the cluster, which is what is shown anyway.")
    var normal = false

    @Flag(help: "All of them as JSON, each with its type: normal or ping.")
    var json = false

    func validate() throws {
        guard [ping, normal, json].count(where: { $0 }) <= 1 else {
            throw ValidationError("--ping, --normal and --json exclude each other")
        }
    }

    func run() throws { try show(control.ask(json ? "nodes json" : ping ? "nodes ping" : "nodes")) }
}

/// `heartbeat config [NAME]`: what is in effect.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print every directive with its value, defaults included, as a file that means the same.",
        discussion: "With a name, only the values of that directive, one a line; exit code 1 when it has none."
    )

    @OptionGroup var options: ConfigurationOption

    @Argument(help: "A directive of heartbeat.conf.")
    var name: String?

    func run() throws {
        let listing = try options.load().listing
        guard let name else {
            print(listing.map { "\($0.directive) \($0.value)\n" }.joined(), terminator: "")
            return
        }
        let values = listing.filter { $0.directive == name }.map(\.value)
        guard !values.isEmpty else {
            complain("heartbeat: \"\(name)\" has no value, or is no directive")
            throw ProgramExit.failed
        }
        print(values.joined(separator: "\n"))
    }
}

/// `heartbeat node NAME`: one node, by the exit code.
struct NodeState: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Show a node; exit code 0 up, 1 dead, 2 unknown."
    )

    @OptionGroup var control: ControlOption

    @Argument(help: "The node's name.")
    var name: String

    @Flag(help: "Ask for its heartbeat instead of its membership: 0 speaks, 1 does not.")
    var daemon = false

    func run() throws {
        let lines = try control.ask("nodes").split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        guard let line = lines.first(where: { $0.first == name }), line.count == 3 else {
            print("unknown")
            throw ExitCode(2)
        }
        print(daemon ? line[2] : line[1])
        switch daemon ? line[2] : line[1] {
        case "up", "heartbeat": return
        case "unknown": throw ExitCode(2)
        default: throw ExitCode(1)
        }
    }
}

/// `heartbeat links NODE`: the links to a node.
struct Links: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the links to a node with both directions.")

    @OptionGroup var control: ControlOption

    @Argument(help: "The node's name.")
    var node: String

    func run() throws { try show(control.ask("links \(node)")) }
}

/// `heartbeat link NODE LINK`: one link, by the exit code.
struct LinkState: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link",
        abstract: "Show a link to a node; exit code 0 up, 1 down, 2 unknown."
    )

    @OptionGroup var control: ControlOption

    @Argument(help: "The node's name.")
    var node: String

    @Argument(help: "The link's name.")
    var link: String

    func run() throws {
        let lines = try control.ask("links \(node)").split(separator: "\n").map { $0.split(separator: " ") }
        let state = lines.first { $0.first == Substring(link) }?.dropFirst().first ?? "unknown"
        print(state)
        switch state {
        case "up": return
        case "down": throw ExitCode(1)
        default: throw ExitCode(2)
        }
    }
}

/// `heartbeat force`: a failover test that ends by itself.
struct Force: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish this node as at fault or healthy for a while, whatever the evidence says."
    )

    enum What: String, ExpressibleByArgument, CaseIterable {
        case fault, healthy, off
    }

    @OptionGroup var control: ControlOption

    @Argument(help: "fault, healthy or off.")
    var what: What

    @Option(name: .customLong("for"), help: "How long in seconds, at most 3600.")
    var seconds = 60

    func validate() throws {
        guard (1...3600).contains(seconds) else {
            throw ValidationError("--for takes 1 to 3600 seconds")
        }
    }

    func run() throws { try show(control.ask(what == .off ? "force off" : "force \(what.rawValue) \(seconds)")) }
}

/// `heartbeat maintenance`: freezes what is published.
struct Maintenance: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Leave everything published as it is while somebody works on the network."
    )

    enum Switch: String, ExpressibleByArgument, CaseIterable {
        case on, off
    }

    @OptionGroup var control: ControlOption

    @Argument(help: "on or off.")
    var mode: Switch

    @Option(name: .customLong("for"), help: "How long in seconds; until told otherwise if not given.")
    var seconds: Int?

    @Flag(help: "On all nodes whose heartbeat is in the group.")
    var cluster = false

    func validate() throws {
        guard seconds.map({ (1...31_536_000).contains($0) }) ?? true else {
            throw ValidationError("--for takes 1 to 31536000 seconds")
        }
    }

    func run() throws {
        let time = mode == .on ? seconds.map { " \($0)" } ?? "" : ""
        try show(control.ask("maintenance \(mode.rawValue)\(time)\(cluster ? " cluster" : "")"))
    }
}

/// `heartbeat convert FILE`: the way from the old heartbeat.
struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a heartbeat.conf made from an ha.cf of the old heartbeat, with a note on every key.",
        discussion: "Exit code 1 when something has no counterpart; it is a comment in the result."
    )

    @Argument(help: "The old file.")
    var file = "/etc/ha.d/ha.cf"

    func run() throws {
        let text: String
        do {
            text = try TextFile.read(file, limit: 1 << 20)
        } catch {
            complain("heartbeat: \(error)")
            throw ProgramExit.failed
        }
        let result = HACFConverter.convert(text)
        print(result.text, terminator: "")
        for error in result.errors {
            complain("heartbeat: \(file): \(error)")
        }
        if !result.errors.isEmpty {
            throw ProgramExit.failed
        }
    }
}
