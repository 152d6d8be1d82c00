// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit
import Synchronization

/// Where any thread leaves messages for the one that speaks with the process group; nobody waits for anybody.
public final class GroupOutbox<Queue: MessageQueue>: Sendable {
    private let signal: OwnedDescriptor
    private let queue: Mutex<Queue>

    /// Shares a queue.
    ///
    /// - Throws: ``SystemError`` of eventfd(2).
    public init(_ queue: Queue) throws(SystemError) {
        let flags = CInt(EFD_CLOEXEC | EFD_NONBLOCK)
        signal = OwnedDescriptor(owning: try systemCall("eventfd") { eventfd(0, flags) })
        self.queue = Mutex(queue)
    }

    /// Adds a message and wakes the group's thread.
    ///
    /// - Returns: False when so many wait that the caller has to try again later.
    @discardableResult
    public func add(_ message: Queue.Message) -> Bool {
        guard queue.withLock({ $0.add(message, at: .now) }) else {
            return false
        }
        var one: UInt64 = 1
        // A full counter (EAGAIN) is as readable as can be.
        _ = write(signal.raw, &one, MemoryLayout<UInt64>.size)
        return true
    }

    /// Looks at the queue, for its figures.
    public func inspect<Figure: Sendable>(_ look: (Queue) -> Figure) -> Figure {
        queue.withLock { look($0) }
    }

    /// Readable when something was added.
    var descriptor: CInt { signal.raw }

    /// Makes ``descriptor`` unreadable until the next addition.
    func acknowledge() {
        var count: UInt64 = 0
        // EAGAIN only means that nobody has added anything since.
        _ = read(signal.raw, &count, MemoryLayout<UInt64>.size)
    }

    func next() -> Queue.Message? { queue.withLock { $0.next(at: .now) } }

    func putBack(_ message: Queue.Message) { queue.withLock { $0.putBack(message) } }

    func forget() { queue.withLock { $0.forget() } }
}
