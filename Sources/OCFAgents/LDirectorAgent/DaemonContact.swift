// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// The two marks of a running ldirectord: a control socket that answers, and a pid file that it keeps locked.
struct DaemonContact: Sendable, Equatable {
    /// How the daemon stands.
    enum State: Sendable, Equatable {
        case stopped
        case answering
        /// The process is there, but says that it is not well, or says nothing.
        case failing(reason: String)
        /// The caller may not ask: neither root nor in the group haclient.
        case forbidden(reason: String)
    }

    let socketPath: String
    let pidFile: String

    /// The marks of the instance of a configuration file: its name is the last component of the path.
    ///
    /// - Parameters:
    ///   - configuration: The path of the configuration file.
    ///   - pidFile: Where the pid file is; empty is the usual place.
    ///   - socketDirectory: Where the control socket is.
    ///   - pidDirectory: The usual place of the pid file.
    init(
        configuration: String,
        pidFile: String = "",
        socketDirectory: String = "/run/vervet",
        pidDirectory: String = "/var/run"
    ) {
        let instance = AgentRegistry.baseName(configuration)
        socketPath = "\(socketDirectory)/ldirectord.\(instance).sock"
        self.pidFile = pidFile.isEmpty ? "\(pidDirectory)/ldirectord.\(instance).pid" : pidFile
    }

    /// Asks the daemon.
    ///
    /// - Parameters:
    ///   - request: The question: `ping`, or `table` for a comparison with the kernel's IPVS table.
    ///   - expected: The answer that is well.
    ///   - timeout: How long an answer may take.
    /// - Returns: How it stands.
    func state(asking request: String, expecting expected: String, timeout: Duration) -> State {
        do {
            let answer = try ControlClient(path: socketPath).ask(request, timeout: timeout)
            let line = String(answer.prefix { !$0.isNewline })
            return line == expected ? .answering : .failing(reason: "ldirectord answers \"\(line)\" to \(request)")
        } catch .notRunning {
            guard let pid = lockHolder else {
                return .stopped
            }
            return .failing(reason: "ldirectord runs with pid \(pid), but nothing listens on \(socketPath)")
        } catch .system(let error) where error.code == EACCES {
            return .forbidden(reason: "only root and the group haclient may ask ldirectord: \(error)")
        } catch {
            return .failing(reason: "ldirectord does not answer: \(error)")
        }
    }

    /// The process that holds the lock on the pid file; nil when nobody does, whatever the file says.
    var lockHolder: Int32? {
        guard let file = try? OwnedDescriptor(opening: pidFile, flags: O_RDONLY) else {
            return nil
        }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        if fcntl(file.raw, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK), lock.l_pid > 0 {
            return lock.l_pid
        }
        // An open file description lock or a flock(2) lock names no process; the first line of the file does.
        let isLocked = lock.l_type != Int16(F_UNLCK) || vervet_flock(file.raw, LOCK_SH | LOCK_NB) != 0
        guard isLocked, let text = try? TextFile.read(pidFile, limit: 64) else {
            return nil
        }
        return text.split(whereSeparator: \.isWhitespace).first.flatMap { Int32($0) }
    }
}
