// SPDX-License-Identifier: Apache-2.0
import ConfigSyncControl
import Glibc
import LinuxKit
import VervetCore

/// The operator's command: what this director does, and what is to be decided about its configuration.
enum VervetProgram {
    static let version = "1.0"
    static let usageStatus: Int32 = 64
    static let usage = """
        usage: vervet status [--json] [--watch[=SECONDS]]        this director on one screen
               vervet sync status [--json] [--watch[=SECONDS]]   connections, daemons, relay, configuration
               vervet config status [--json]                     the configuration's version on every director
               vervet config send [FILE]                         send a file to all directors, as the callback does
               vervet config take NODE [FILE]                    settle a conflict: NODE's file replaces the others

        Exit codes: status 0 all that runs is well, 1 something needs attention; config 0 done, 1 not on every
        director, 2 the file has errors, 3 configsync does not run, 4 conflict; 64 bad usage.
        Colours are used on a terminal unless NO_COLOR is set.

        """

    static func run(_ words: [String]) -> Int32 {
        switch words.first {
        case "--help", "-h", "help":
            say(usage)
            return 0
        case "--version":
            say("vervet \(version)\n")
            return 0
        case "status": return show(words.dropFirst(), .director)
        case "sync" where words.dropFirst().first == "status": return show(words.dropFirst(2), .sync)
        case "config": return ConfigCommand.run(Array(words.dropFirst()))
        default:
            complain(usage)
            return usageStatus
        }
    }

    /// What is shown.
    enum Screen {
        case director
        case sync
    }

    private static func show(_ words: ArraySlice<String>, _ screen: Screen) -> Int32 {
        var isJSON = false
        var interval: Duration?
        for word in words {
            switch word {
            case "--json": isJSON = true
            case "--watch": interval = .seconds(2)
            case let option where option.hasPrefix("--watch="):
                guard let seconds = Int(option.dropFirst("--watch=".count)), (1...3600).contains(seconds) else {
                    complain("vervet: --watch takes 1 to 3600 seconds\n")
                    return usageStatus
                }
                interval = .seconds(Int64(seconds))
            default:
                complain("vervet: unknown option \(word)\n\(usage)")
                return usageStatus
            }
        }
        var collector = Collector()
        var former: (DirectorSnapshot, SuspendingClock.Instant)?
        while true {
            let (snapshot, said) = collector.collect()
            let now = SuspendingClock.now
            let shown =
                switch (screen, isJSON) {
                case (.director, true): snapshot.document(said).text + "\n"
                case (.sync, true): snapshot.syncDocument(said).text + "\n"
                case (.director, false): snapshot.text(paint)
                case (.sync, false):
                    snapshot.syncText(since: former?.0, elapsed: former.map { now - $0.1 } ?? .zero, paint)
                }
            guard let interval else {
                return say(shown) && isWell(snapshot, screen) ? 0 : 1
            }
            // Home, then clear what is below: no flicker. A file gets one state after the other.
            guard say(isatty(1) == 1 && !isJSON ? "\u{1b}[H\u{1b}[J" + shown : shown) else {
                return 1
            }
            former = (snapshot, now)
            _ = usleep(UInt32(interval.milliseconds()) * 1000)
        }
    }

    private static func isWell(_ snapshot: DirectorSnapshot, _ screen: Screen) -> Bool {
        screen == .director ? snapshot.attention.isEmpty : snapshot.syncWarnings.isEmpty
    }

    static var paint: Paint {
        let variable = { (name: String) in getenv(name).map { String(cString: $0) } }
        return Paint(isTerminal: isatty(1) == 1, noColor: variable("NO_COLOR"), terminal: variable("TERM"))
    }

    /// Writes to standard output; false when nobody takes it.
    @discardableResult
    static func say(_ text: String) -> Bool { put(text, 1) }

    static func complain(_ text: String) { put(text, 2) }

    @discardableResult
    private static func put(_ text: String, _ descriptor: CInt) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || (count < 0 && errno == EINTR) else {
                return false
            }
            rest = rest.dropFirst(max(0, count))
        }
        return true
    }
}
