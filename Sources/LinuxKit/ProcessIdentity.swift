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
        guard pid > 0, let text = try? TextFile.read("/proc/\(pid)/stat", limit: 4096),
            // The second field is a name in parentheses, which may itself contain any character.
            let end = text.utf8.lastIndex(of: UInt8(ascii: ")"))
        else {
            return nil
        }
        let fields = text.utf8[end...].dropFirst().split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let time = String(fields[19]).flatMap(UInt64.init) else {
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

    /// Ends the process: SIGTERM, and SIGKILL when it is still there after `grace`.
    ///
    /// - Parameters:
    ///   - grace: How long the process may take to end by itself.
    ///   - force: Whether SIGKILL follows; without it, returns when the time is over.
    /// - Throws: ``SystemError`` of kill(2); a process that is gone is no error.
    public func end(grace: Duration, force: Bool = true) throws(SystemError) {
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
            var poller = pollfd(fd: handle.raw, events: Int16(POLLIN), revents: 0)
            let deadline = Deadline(after: time)
            if try systemCall("poll", "\(pid)", { poll(&poller, 1, deadline.pollMilliseconds) }) > 0 {
                return
            }
        }
    }
}
