// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import LinuxKit
import SyncRelayCore

/// `syncrelay observe`: what the kernel's daemons send and are sent, without a relay.
struct Observe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count the kernel's own sync datagrams on an interface, by sender; nothing is forwarded.",
        discussion: """
            For directors without a relay: the kernel's protocol has no numbers, so a loss shows where one director \
            received fewer than another one sent. Ends after --seconds or with SIGINT, and then tells.
            """
    )

    @Argument(help: "Interface of the kernel's daemons.")
    var interface: String

    @Option(help: "Multicast group of the daemons.")
    var group = RelayConfiguration().group.description

    @Option(help: "UDP port of the daemons.")
    var port = RelayConfiguration().port

    @Option(help: "For how long, 1 to 86400 (default: until it is interrupted).")
    var seconds: Int?

    @Flag(help: "As JSON for programs.")
    var json = false

    func validate() throws {
        guard IPAddress(group)?.isMulticast ?? false else {
            throw ValidationError("--group takes a multicast address")
        }
        guard seconds.map((1...86_400).contains) ?? true else {
            throw ValidationError("--seconds takes 1 to 86400")
        }
    }

    func run() throws {
        guard let group = IPAddress(group) else {
            return
        }
        do {
            let observer = try SyncObserver(interface, group: group, port: port)
            try observer.run(for: seconds.map { .seconds($0) })
            print(json ? observer.json + "\n" : observer.text, terminator: "")
        } catch {
            complain("syncrelay: \(error)")
            throw ProgramExit.failed
        }
    }
}
