// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LDirectorConfig
import LinuxKit

extension Command {
    /// Starts the daemon; returns when it runs with its pid file and its first table, or ran to its end.
    func start() -> Exit {
        let isDetached = getenv(Self.detachedMark) != nil
        if case .process = owner() {
            return .success
        }
        guard let (file, reading, exit) = readConfiguration() else {
            return .failure
        }
        guard exit == .success, let configuration = reading.configuration else {
            return exit
        }
        let staysInForeground =
            arguments.isDebug || arguments.isForeground
            || configuration.daemon.isSupervised && !arguments.isBackground
        guard staysInForeground || isDetached else {
            return detach()
        }
        return serve(file, reading, configuration.daemon, isDetached: isDetached)
    }

    /// Runs this program again in a session of its own and waits until it is ready or gives up.
    ///
    /// A new program instead of fork(2): nothing of this process (threads, locks, descriptors) reaches the daemon.
    private func detach() -> Exit {
        var ends: [CInt] = [-1, -1]
        do throws(SystemError) {
            try systemCall("pipe") { vervet_pipe(&ends) }
            let reader = OwnedDescriptor(owning: ends[0])
            let child = try startDetached(writer: OwnedDescriptor(owning: ends[1]))
            var text = ""
            let deadline = Deadline(after: .seconds(120))
            var buffer = [UInt8](repeating: 0, count: 4096)
            var poller = pollfd(fd: reader.raw, events: Int16(POLLIN), revents: 0)
            while !deadline.hasPassed {
                try systemCall("poll") { poll(&poller, 1, deadline.pollMilliseconds) }
                let count = read(reader.raw, &buffer, buffer.count)
                guard count != 0 else {
                    break
                }
                text += String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            }
            if text.hasSuffix(Self.readyMark + "\n") {
                Self.say(String(text.dropLast(Self.readyMark.count + 1)), to: STDERR_FILENO)
                return .success
            }
            Self.say(text, to: STDERR_FILENO)
            switch try child.wait(until: Deadline(after: .seconds(5))) {
            case .exited(let status)?: return Exit(rawValue: status) ?? .failure
            case .signalled(let signal)?: complain("the daemon was killed by signal \(signal) before it was ready")
            case nil: complain("the daemon did not get ready; it may still be running with pid \(child.pid)")
            }
            return .failure
        } catch {
            complain("cannot start the daemon: \(error)")
            return .failure
        }
    }

    private func startDetached(writer: consuming OwnedDescriptor) throws(SystemError) -> ChildProcess {
        var environment = ["\(Self.detachedMark)=1"]
        var position = environ
        while let entry = position.pointee {
            let text = String(cString: entry)
            // A daemon in the background has no service manager that waits for it, whoever started `start`.
            if !["NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID="].contains(where: text.hasPrefix) {
                environment.append(text)
            }
            position += 1
        }
        // The process title stays "ldirectord CONFIGURATION start", which scripts look for.
        let words = CommandLine.arguments.dropFirst().filter { $0 != "--background" }
        guard let program = realpath("/proc/self/exe", nil) else {
            throw .last("realpath", "/proc/self/exe")
        }
        defer { free(program) }
        return try ChildProcess.start(
            [String(cString: program)] + words,
            environment: environment,
            group: .session,
            standardStreams: (nil, writer.raw, writer.raw)
        )
    }

    /// Is the daemon, to its end.
    private func serve(
        _ file: ConfigurationFile,
        _ reading: ConfigurationFile.Reading,
        _ settings: DaemonSettings,
        isDetached: Bool
    ) -> Exit {
        // What the daemon starts is no detached process of ours.
        unsetenv(Self.detachedMark)
        guard geteuid() == 0 else {
            complain("must be run as root")
            return .failure
        }
        let manager = ServiceNotifier.takeFromEnvironment()
        do throws(SystemError) {
            try RuntimeDirectory.own(RuntimeDirectory.path)
            guard let pidFile = try LockFile.take(files.pidFile) else {
                // Another start was faster.
                return ready(isDetached, .success)
            }
            guard let pathLock = try LockFile.take(RuntimeFiles.configurationLock(file.path)) else {
                pidFile.remove()
                complain("\(file.path) is served by another instance already; nothing was started")
                return ready(isDetached, .success)
            }
            let exit = direct(file, reading, settings, files, manager, isDetached: isDetached)
            pathLock.remove()
            pidFile.remove()
            return exit
        } catch  where error.code == EROFS && !isDetached {
            // Whoever started us in the foreground can also end us; without a pid file nobody else could.
            complain(
                "\(error); going on without pid file and control socket: status, reload, stop and the cluster's agent "
                    + "cannot see this instance"
            )
            var files = files
            files.isAvailable = false
            return direct(file, reading, settings, files, manager, isDetached: false)
        } catch {
            let remedy =
                error.code == EROFS
                ? "; a daemon in the background needs its pid file: make /run writable, or use --foreground" : ""
            complain("\(error)\(remedy)")
            return .failure
        }
    }

    private func direct(
        _ file: ConfigurationFile,
        _ reading: ConfigurationFile.Reading,
        _ settings: DaemonSettings,
        _ files: RuntimeFiles,
        _ manager: ServiceNotifier,
        isDetached: Bool
    ) -> Exit {
        let log = EventLog(
            arguments.isDebug ? .terminal : .configured(settings.logTarget),
            instance: arguments.instance,
            allowsSupervisor: !isDetached
        )
        log.follow(settings)
        if case .configured(let target) = log.target, let problem = EventLog.problem(of: target) {
            complain(problem)
            return .badConfiguration
        }
        if let problem = reading.configuration.flatMap(Daemon.monitorProblem) {
            complain(problem)
            return .badConfiguration
        }
        log.write("Starting \(Self.version) with \(file.path)")
        reading.summaries.forEach(log.write)
        do throws(Daemon.Failure) {
            let daemon = try Daemon(file, reading, files: files, log: log, manager: manager)
            for (service, reason) in daemon.refused {
                complain("virtual server \(service) is not as configured, trying again: \(reason)")
            }
            // Paths in the configuration are absolute by now; the directory that we were started in may go.
            _ = chdir("/")
            try daemon.run { _ = ready(isDetached, .success) }
            log.write("Exiting")
            return .success
        } catch {
            log.write("Cannot go on: \(error)")
            complain("\(error)")
            return .failure
        }
    }

    /// Tells the waiting `start` that all is in place, and lets go of its terminal.
    private func ready(_ isDetached: Bool, _ exit: Exit) -> Exit {
        guard isDetached else {
            return exit
        }
        Self.say(Self.readyMark + "\n")
        do {
            let null = try OwnedDescriptor(opening: "/dev/null", flags: O_RDWR)
            for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
                _ = dup2(null.raw, stream)
            }
        } catch {
            // Without /dev/null the pipe is closed instead; writes to it are ignored as SIGPIPE is.
            _ = close(STDOUT_FILENO)
            _ = close(STDERR_FILENO)
        }
        return exit
    }
}
