// SPDX-License-Identifier: Apache-2.0
import ConfigSyncControl
import ConfigSyncCore
import Glibc
import LinuxKit

/// The program: the daemon, and the callback that tells it of an edit.
enum ConfigSyncProgram {
    static let version = "1.0"
    private static let usage = """
        usage: configsync /PATH/OF/ldirectord.cf          ldirectord's callback: send the file to all directors
               configsync run [OPTIONS] FILE...           the daemon that keeps these files the same on all directors

          --foreground        write the log to standard error instead of syslog
          --control PATH      control socket (default \(ConfigSyncClient.defaultPath))
          --state DIRECTORY   what is remembered about the files (default \(StateFile.defaultDirectory))

        Exit codes: 0 every director that is there has the file, 1 not every one, or failed, 2 the file has errors,
        3 no daemon runs, 4 another director has another edit, 5 another daemon runs, 64 bad usage.
        vervet config status shows how it stands; vervet config take NODE settles a conflict.

        """

    static func run(_ arguments: [String]) -> Int32 {
        var words = arguments.dropFirst()
        switch words.first {
        case "--help", "-h":
            print(usage, terminator: "")
            return 0
        case "--version":
            print("configsync \(version)")
            return 0
        case "run":
            words.removeFirst()
            return runDaemon(Array(words))
        case let file? where words.count == 1 && file.hasPrefix("/"):
            return send(file)
        default:
            complain(usage)
            return 64
        }
    }

    private static func send(_ file: String) -> Int32 {
        do {
            let (status, text) = try ConfigSyncClient().send(file)
            complain("configsync: \(file): \(text)\n")
            return status
        } catch {
            complain("configsync: \(error)\n")
            return error.isNotRunning ? 3 : 1
        }
    }

    private static func runDaemon(_ words: [String]) -> Int32 {
        var settings = DaemonSettings()
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--foreground": settings.isForeground = true
            case "--control", "--state":
                guard let value = rest.popFirst(), value.hasPrefix("/") else {
                    complain("configsync: \(word) takes an absolute path\n")
                    return 64
                }
                if word == "--control" {
                    settings.controlPath = value
                } else {
                    settings.stateDirectory = value
                }
            case let file where file.hasPrefix("/") && file.utf8.count <= Announcement.pathLimit:
                settings.files.append(file)
            default:
                complain("configsync: \(word) is neither an option nor an absolute path\n")
                return 64
            }
        }
        guard !settings.files.isEmpty, Set(settings.files).count == settings.files.count else {
            complain("configsync: name every file that is to be kept the same, each once\n")
            return 64
        }
        do {
            let daemon = try ConfigSyncDaemon(settings)
            try daemon.run()
            return 0
        } catch {
            if error.operation == "lock", error.code == EWOULDBLOCK {
                complain("configsync: another configsync runs already (\(error.subject) is locked)\n")
                return 5
            }
            complain("configsync: \(error)\n")
            return 1
        }
    }

    private static func complain(_ text: String) {
        let bytes = Array(text.utf8)
        // Nothing can be said about standard error being gone.
        _ = write(2, bytes, bytes.count)
    }
}

/// What the daemon is told on its command line.
struct DaemonSettings {
    var files: [String] = []
    var controlPath = ConfigSyncClient.defaultPath
    var stateDirectory = StateFile.defaultDirectory
    var isForeground = false
}
