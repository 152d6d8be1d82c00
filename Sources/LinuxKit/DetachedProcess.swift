// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// A copy of this process that goes on by itself when this one ends, without another program being started.
///
/// It has a session of its own and no standard streams, because a cluster manager kills an agent's process group and other
/// callers wait for the end of its output. It waits at a gate: it runs only if ``release()`` is called.
public struct DetachedProcess: ~Copyable {
    /// The process number.
    public let pid: CInt

    private let gate: OwnedDescriptor

    /// Makes the copy (fork(2)).
    ///
    /// - Parameters:
    ///   - descriptors: What stays open in it, besides this process's memory.
    ///   - body: What it does once released; the result is its exit status. It must not count on other open files.
    /// - Returns: The copy, still waiting.
    /// - Throws: ``SystemError`` when there is no room for another process.
    /// - Precondition: This process has one thread; locks that another one holds would never be released in the copy.
    public static func start(
        keeping descriptors: [CInt],
        _ body: () -> CInt
    ) throws(SystemError) -> DetachedProcess {
        var ends: [CInt] = [0, 0]
        try systemCall("pipe") { vervet_pipe(&ends) }
        let entry = OwnedDescriptor(owning: ends[0])
        let gate = OwnedDescriptor(owning: ends[1])
        let pid = try systemCall("fork") { vervet_fork() }
        guard pid == 0 else {
            return DetachedProcess(pid: pid, gate: gate)
        }
        leave(keeping: descriptors + [entry.raw])
        _exit(waits(at: entry.raw) ? body() : 0)
    }

    private init(pid: CInt, gate: consuming OwnedDescriptor) {
        self.pid = pid
        self.gate = gate
    }

    /// Lets the copy go on; without this it ends with this process and has done nothing.
    public consuming func release() {
        var go: UInt8 = 1
        // It fails only when the copy is gone already.
        _ = write(gate.raw, &go, 1)
    }

    /// Gives up what ties the copy to the caller of this process.
    private static func leave(keeping descriptors: [CInt]) {
        _ = setsid()
        _ = chdir("/")
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        signal(SIGTERM, SIG_DFL)
        let null = open("/dev/null", O_RDWR)
        for stream in 0...2 where !descriptors.contains(CInt(stream)) {
            _ = dup2(null, CInt(stream))
        }
        var first: CInt = 3
        for kept in descriptors.sorted() where kept >= first {
            if kept > first {
                _ = vervet_close_range(UInt32(first), UInt32(kept - 1))
            }
            first = kept + 1
        }
        _ = vervet_close_range(UInt32(first), .max)
    }

    private static func waits(at entry: CInt) -> Bool {
        var poller = pollfd(fd: entry, events: Int16(POLLIN), revents: 0)
        while poll(&poller, 1, -1) < 0 && errno == EINTR {}
        var go: UInt8 = 0
        let isReleased = read(entry, &go, 1) == 1
        _ = close(entry)
        return isReleased
    }
}
