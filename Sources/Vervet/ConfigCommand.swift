// SPDX-License-Identifier: Apache-2.0
import ConfigSyncControl
import LinuxKit

/// `vervet config`: speaks with the configsync daemon.
enum ConfigCommand {
    private static let notRunning: Int32 = 3

    static func run(_ words: [String]) -> Int32 {
        let client = ConfigSyncClient()
        do {
            switch (words.first, words.count) {
            case ("status", 1):
                let text = try client.status()
                VervetProgram.say(text)
                return try client.statusDocument().isSynchronised ? 0 : 1
            case ("status", 2) where words[1] == "--json":
                let document = try client.statusDocument()
                VervetProgram.say(document)
                return document.isSynchronised ? 0 : 1
            case ("send", 1...2): return tell(try client.send(try file(words.dropFirst(), client)))
            case ("take", 2...3): return tell(try client.take(words[1], try file(words.dropFirst(2), client)))
            default:
                VervetProgram.complain(VervetProgram.usage)
                return VervetProgram.usageStatus
            }
        } catch {
            VervetProgram.complain("vervet: \(error)\n")
            return error.isNotRunning ? notRunning : 1
        }
    }

    private static func tell(_ outcome: (status: Int32, text: String)) -> Int32 {
        if outcome.status == 0 {
            VervetProgram.say(outcome.text + "\n")
        } else {
            VervetProgram.complain(outcome.text + "\n")
        }
        return outcome.status
    }

    /// The file that is named, or the only one that is kept.
    private static func file(
        _ words: ArraySlice<String>,
        _ client: ConfigSyncClient
    ) throws(ConfigSyncClient.Failure) -> String {
        if let word = words.first {
            return word
        }
        let files = try client.files()
        guard let file = files.first, files.count == 1 else {
            throw ConfigSyncClient.Failure(
                isNotRunning: false,
                description: "name one of the files: \(files.joined(separator: ", "))"
            )
        }
        return file
    }
}

extension String {
    /// Whether a status document says that every file is the same everywhere.
    fileprivate var isSynchronised: Bool {
        let files = JSONValue(parsing: self)?["files"]?.elements ?? []
        return !files.isEmpty && files.allSatisfy { $0["condition"]?.string == "synchronised" }
    }
}
