// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// A process that cannot be mistaken for a later one with the same number: the number and the time of its start.
public struct ProcessIdentity: Sendable, Hashable {
    /// The process number.
    public let pid: Int32

    /// The start in clock ticks since boot, field 22 of `/proc/<pid>/stat` (proc(5)).
    public let startTime: UInt64

    /// Looks up a process that exists now; nil when there is none of this number.
    public init?(pid: Int32) {
        guard let fields = Self.fields(of: pid), fields.count > 19, let time = UInt64(fields[19]) else {
            return nil
        }
        self.pid = pid
        startTime = time
    }

    /// Reads the two lines of ``text``; nil for anything else.
    public init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 2, let pid = Int32(lines[0]), pid > 0, let time = UInt64(lines[1]) else {
            return nil
        }
        self.pid = pid
        startTime = time
    }

    /// The calling process; nil only where `/proc` is missing.
    public static var current: ProcessIdentity? { ProcessIdentity(pid: getpid()) }

    /// The process number and the start time on a line each, as pid files of ours hold them.
    public var text: String { "\(pid)\n\(startTime)\n" }

    /// Whether this very process still exists.
    public var isAlive: Bool { ProcessIdentity(pid: pid) == self }

    /// What ``end(grace:force:until:)`` waits for.
    public enum End: Sendable {
        /// The process is gone with all it held: descriptors, locks.
        case released
        /// It runs no more code of its own; the kernel may still be releasing what it held.
        case silent
    }

    /// Ends the process: SIGTERM, and SIGKILL when it is still there after `grace`.
    ///
    /// - Parameters:
    ///   - grace: How long the process may take to end by itself.
    ///   - force: Whether SIGKILL follows; without it, returns when the time is over.
    ///   - end: What is waited for. Closing a packet socket takes the kernel milliseconds, which few need to wait for.
    /// - Throws: ``SystemError`` of kill(2); a process that is gone is no error.
    public func end(grace: Duration, force: Bool = true, until end: End = .released) throws(SystemError) {
        // Opened before the identity is checked, so that what is waited for is what was checked.
        let number: CInt
        do {
            number = try systemCall("pidfd_open", "\(pid)") { vervet_pidfd_open(pid) }
        } catch {
            return
        }
        let handle = OwnedDescriptor(owning: number)
        guard isAlive else {
            return
        }
        let steps = [(SIGTERM, grace)] + (force ? [(SIGKILL, Duration.seconds(1))] : [])
        for (signal, time) in steps {
            do {
                try systemCall("kill", "\(pid)") { kill(pid, signal) }
            } catch  where error.code == ESRCH {
                return
            }
            let deadline = Deadline(after: time)
            var poller = pollfd(fd: handle.raw, events: Int16(POLLIN), revents: 0)
            // A process that sleeps is on its way out within microseconds; only a busy machine takes longer.
            for attempt in 0..<20 where end == .silent {
                if isExiting {
                    return
                }
                usleep(attempt < 4 ? 20 : 100)
            }
            repeat {
                let pause = end == .silent ? min(1, deadline.pollMilliseconds) : deadline.pollMilliseconds
                if end == .silent && isExiting {
                    return
                }
                if try systemCall("poll", "\(pid)", { poll(&poller, 1, pause) }) > 0 {
                    return
                }
            } while !deadline.hasPassed
        }
    }

    /// Whether the process is on its way out (PF_EXITING in field 9 of its stat).
    private var isExiting: Bool {
        guard let fields = Self.fields(of: pid), fields.count > 6, let flags = UInt32(fields[6]) else {
            return true
        }
        return flags & 0x4 != 0
    }

    /// The fields of `/proc/<pid>/stat` from the third on.
    private static func fields(of pid: Int32) -> [String]? {
        guard pid > 0, let text = try? TextFile.read("/proc/\(pid)/stat", limit: 4096),
            // The second field is a name in parentheses, which may itself contain any character.
            let end = text.utf8.lastIndex(of: UInt8(ascii: ")"))
        else {
            return nil
        }
        return text.utf8[end...].dropFirst().split(separator: UInt8(ascii: " ")).compactMap { String($0) }
    }
}
