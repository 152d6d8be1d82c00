// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LDirectorConfig
import LinuxKit

/// Carries out one run of the program and says with which status it ends.
public struct Command {
    /// Exit codes that scripts and the cluster rely on.
    public enum Exit: CInt, Sendable {
        case success = 0
        case failure = 1
        case badConfiguration = 2
        case notRunning = 3
        case usage = 255
    }

    static let version = "Vervet ldirectord 0.1"

    /// Set for the process that `start` leaves running; its standard output leads back to `start`.
    static let detachedMark = "VERVET_LDIRECTORD_DETACHED"

    /// What a detached process writes last, when everything is in place.
    static let readyMark = "ready"

    let arguments: CommandLineArguments
    let files: RuntimeFiles

    /// Runs the program.
    ///
    /// - Parameter words: The command line without the program's name.
    /// - Returns: The exit status.
    public static func run(_ words: [String]) -> Exit {
        let arguments: CommandLineArguments
        do {
            arguments = try CommandLineArguments(words)
        } catch {
            say("ldirectord: \(error.description)\n\(CommandLineArguments.usage)", to: STDERR_FILENO)
            return .usage
        }
        let command = Command(
            arguments: arguments,
            files: RuntimeFiles(instance: arguments.instance, pidFile: arguments.pidFile)
        )
        switch arguments.request {
        case .help:
            say(CommandLineArguments.usage)
            return .success
        case .version:
            say(version + "\n")
            return .success
        case .perform(let action): return command.perform(action)
        case .order(let text): return command.order(text)
        }
    }

    private func perform(_ action: CommandLineArguments.Action) -> Exit {
        switch action {
        case .start: return start()
        case .stop: return stop()
        case .restart: return restart(onlyRunning: false)
        case .tryRestart: return restart(onlyRunning: true)
        case .reload, .forceReload: return reload()
        case .status: return status()
        case .checkConfig: return checkConfiguration()
        case .check: return checkServers()
        }
    }

    // MARK: Configuration

    /// Finds and reads the configuration, and says what is wrong with it.
    func readConfiguration() -> (file: ConfigurationFile, reading: ConfigurationFile.Reading, exit: Exit)? {
        guard let file = ConfigurationFile(searching: arguments.configuration) else {
            complain(
                "no regular file \(arguments.configuration) in /etc/ha.d, in /etc/ha.d/conf or as given; create it or name "
                    + "another one"
            )
            return nil
        }
        do {
            let reading = try file.read()
            // What start said once, the process that it leaves running does not say again.
            if getenv(Self.detachedMark) == nil {
                Self.say(reading.report, to: STDERR_FILENO)
            }
            return (file, reading, reading.configuration == nil ? .badConfiguration : .success)
        } catch {
            complain("\(error)")
            return nil
        }
    }

    private func checkConfiguration() -> Exit {
        guard let (_, reading, exit) = readConfiguration() else {
            return .failure
        }
        if let configuration = reading.configuration {
            Self.say(
                arguments.asJSON
                    ? ConfigurationDocument(configuration).value.text + "\n"
                    : ConfigurationRenderer(hidesSecrets: true).render(configuration)
            )
        }
        return exit
    }

    // MARK: A running instance

    func owner() -> LockFile.Owner {
        do {
            return try LockFile.owner(of: files.pidFile)
        } catch {
            complain("\(error)")
            return .none
        }
    }

    private func stop() -> Exit {
        guard case .process(let pid) = owner() else {
            return .success
        }
        guard let identity = ProcessIdentity(pid: pid) else {
            return .success
        }
        let patience = Duration.seconds(arguments.doesNotWait ? 0 : 30)
        do {
            // Until the process is gone: its file goes a moment before it does.
            try identity.end(grace: patience, force: false)
        } catch {
            complain("cannot stop the process \(pid): \(error.reason)")
            return .failure
        }
        guard arguments.doesNotWait || owner() != .process(pid) else {
            complain("the process \(pid) still runs 30 s after SIGTERM; see its log, or end it with kill -9 \(pid)")
            return .failure
        }
        return .success
    }

    private func restart(onlyRunning: Bool) -> Exit {
        guard case .process = owner() else {
            return onlyRunning ? .success : start()
        }
        // A faulty file must not end a daemon that works.
        guard let (_, _, exit) = readConfiguration() else {
            return .failure
        }
        guard exit == .success else {
            return exit
        }
        let stopped = stop()
        return stopped == .success ? start() : stopped
    }

    private func reload() -> Exit {
        guard case .process(let pid) = owner() else {
            complain("no instance \(arguments.instance) is running")
            return .failure
        }
        guard let (_, _, exit) = readConfiguration() else {
            return .failure
        }
        guard exit == .success else {
            return exit
        }
        guard kill(pid, SIGHUP) == 0 else {
            complain("cannot signal the process \(pid): \(SystemError.last("kill").reason)")
            return .failure
        }
        return .success
    }

    private func status() -> Exit {
        let name = "ldirectord for \(arguments.configuration)"
        switch owner() {
        case .process(let pid):
            Self.say("\(name) is running with pid: \(pid)\n", to: STDERR_FILENO)
            do {
                let request = arguments.asJSON ? "status json" : "status"
                Self.say(try ControlClient(path: files.controlSocket).ask(request, timeout: .seconds(5)))
            } catch {
                complain("its state cannot be shown: \(error)")
            }
            if !arguments.asJSON {
                showChildren()
            }
            return .success
        case .stale:
            Self.say("ldirectord stale pid file \(files.pidFile) for \(arguments.configuration)\n", to: STDERR_FILENO)
            Self.say("\(name) is stopped\n")
            return .failure
        case .none:
            Self.say("\(name) is stopped\n")
            return .notRunning
        }
    }

    // MARK: Words to the operator

    func complain(_ text: String) { Self.say("ldirectord: \(text)\n", to: STDERR_FILENO) }

    static func say(_ text: String, to descriptor: CInt = STDOUT_FILENO) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}
