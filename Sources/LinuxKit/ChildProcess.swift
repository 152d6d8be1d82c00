// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// A program started with posix_spawn(3), without a shell, with none of our descriptors, signals at their defaults.
public struct ChildProcess: Sendable {
    /// How a process ended.
    public enum Status: Equatable, Sendable, CustomStringConvertible {
        case exited(CInt)
        case signalled(CInt)

        /// Whether the process ended by itself with status 0.
        public var isSuccess: Bool { self == .exited(0) }

        /// "exit status 3" or "killed by signal 9".
        public var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "killed by signal \(signal)"
            }
        }
    }

    /// Which group the process belongs to.
    public enum Group: Sendable {
        /// A process group of its own, so that it can be ended with all it started.
        case own
        /// A session of its own (setsid(2)): it outlives the caller and the caller's process group.
        case session
    }

    /// The process number; it is also the number of its process group.
    public let pid: CInt

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: The program's absolute path, then its arguments.
    ///   - environment: `NAME=value` strings; nil passes on our own environment.
    ///   - group: The process group or session that it gets.
    ///   - standardStreams: Descriptors that become 0, 1 and 2; nil is /dev/null.
    /// - Returns: The running process.
    /// - Throws: ``SystemError`` of posix_spawn(3), which also tells that the program does not exist.
    public static func start(
        _ arguments: [String],
        environment: [String]? = nil,
        group: Group = .own,
        standardStreams: (input: CInt?, output: CInt?, error: CInt?) = (nil, nil, nil)
    ) throws(SystemError) -> ChildProcess {
        guard let path = arguments.first else {
            throw SystemError(operation: "posix_spawn", code: EINVAL)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        switch group {
        case .own: flags |= POSIX_SPAWN_SETPGROUP
        case .session: flags |= CInt(vervet_posix_spawn_setsid)
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let streams = [standardStreams.input, standardStreams.output, standardStreams.error]
        for (number, stream) in streams.enumerated() {
            if let stream {
                posix_spawn_file_actions_adddup2(&actions, stream, CInt(number))
            } else {
                posix_spawn_file_actions_addopen(&actions, CInt(number), "/dev/null", O_RDWR, 0)
            }
        }
        _ = vervet_spawn_close_from(&actions, 3)

        var pid: CInt = 0
        let code = withCStrings(arguments) { argv in
            if let environment {
                withCStrings(environment) { posix_spawn(&pid, path, &actions, &attributes, argv, $0) }
            } else {
                posix_spawn(&pid, path, &actions, &attributes, argv, environ)
            }
        }
        guard code == 0 else {
            throw SystemError(operation: "start", subject: path, code: code)
        }
        return ChildProcess(pid: pid)
    }

    /// Waits until the process ends.
    ///
    /// - Returns: How it ended; nil when `deadline` came first (the process goes on).
    public func wait(until deadline: Deadline) throws(SystemError) -> Status? {
        let handle = OwnedDescriptor(owning: try systemCall("pidfd_open", "\(pid)") { vervet_pidfd_open(pid) })
        var poller = pollfd(fd: handle.raw, events: Int16(POLLIN), revents: 0)
        while try systemCall("poll", "\(pid)", { poll(&poller, 1, deadline.pollMilliseconds) }) == 0 {
            if deadline.hasPassed {
                return nil
            }
        }
        return try reap()
    }

    /// Ends the whole process group: SIGTERM, and SIGKILL after `grace`; returns when the process is gone.
    public func end(grace: Duration = .seconds(1)) throws(SystemError) -> Status {
        // ESRCH only means that the group ended by itself in this moment.
        _ = kill(-pid, SIGTERM)
        if let status = try wait(until: Deadline(after: grace)) {
            _ = kill(-pid, SIGKILL)
            return status
        }
        _ = kill(-pid, SIGKILL)
        return try reap()
    }

    private func reap() throws(SystemError) -> Status {
        var status: CInt = 0
        try systemCall("waitpid", "\(pid)") { waitpid(pid, &status, 0) }
        let signal = vervet_terminating_signal(status)
        return signal == 0 ? .exited(vervet_exit_status(status)) : .signalled(signal)
    }
}

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) }
    pointers.append(nil)
    defer {
        for pointer in pointers {
            free(pointer)
        }
    }
    return body(pointers)
}
