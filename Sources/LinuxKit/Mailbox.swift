// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import Synchronization

/// A queue between threads with a descriptor that is readable while something is in it.
public final class Mailbox<Element: Sendable>: Sendable {
    private let signal: OwnedDescriptor
    private let queue = Mutex<[Element]>([])

    /// Makes an empty queue.
    ///
    /// - Throws: ``SystemError`` of eventfd(2).
    public init() throws(SystemError) {
        let flags = CInt(EFD_CLOEXEC | EFD_NONBLOCK)
        signal = OwnedDescriptor(owning: try systemCall("eventfd") { eventfd(0, flags) })
    }

    /// The descriptor to wait for.
    public var descriptor: CInt { signal.raw }

    /// Appends an element and wakes the reader; never waits.
    public func post(_ element: Element) {
        queue.withLock { $0.append(element) }
        var one: UInt64 = 1
        // A full counter (EAGAIN) is as readable as can be.
        _ = write(signal.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Appends an element for the next time the reader looks; it is not woken.
    public func postQuietly(_ element: Element) {
        queue.withLock { $0.append(element) }
    }

    /// Takes everything out.
    public func drain() -> [Element] {
        var count: UInt64 = 0
        // EAGAIN only means that nobody has posted since.
        _ = read(signal.raw, &count, MemoryLayout<UInt64>.size)
        return queue.withLock { queue in
            defer { queue.removeAll(keepingCapacity: true) }
            return queue
        }
    }

    /// Waits until something is in the queue or the time is over.
    public func wait(_ timeout: Duration) {
        var poller = pollfd(fd: signal.raw, events: Int16(POLLIN), revents: 0)
        // An interrupted wait only returns early.
        _ = poll(&poller, 1, timeout.milliseconds(roundedUp: true))
    }
}
