// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Synchronization

/// A queue between threads with a descriptor that is readable while something is in it.
final class Mailbox<Element: Sendable>: Sendable {
    private let signal: OwnedDescriptor
    private let queue = Mutex<[Element]>([])

    init() throws(SystemError) {
        let flags = CInt(EFD_CLOEXEC | EFD_NONBLOCK)
        signal = OwnedDescriptor(owning: try systemCall("eventfd") { eventfd(0, flags) })
    }

    /// The descriptor to wait for.
    var descriptor: CInt { signal.raw }

    /// Appends an element and wakes the reader; never waits.
    func post(_ element: Element) {
        queue.withLock { $0.append(element) }
        var one: UInt64 = 1
        // A full counter (EAGAIN) is as readable as can be.
        _ = write(signal.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Appends an element for the next time the reader looks; it is not woken.
    func postQuietly(_ element: Element) {
        queue.withLock { $0.append(element) }
    }

    /// Takes everything out.
    func drain() -> [Element] {
        var count: UInt64 = 0
        // EAGAIN only means that nobody has posted since.
        _ = read(signal.raw, &count, MemoryLayout<UInt64>.size)
        return queue.withLock { queue in
            defer { queue.removeAll(keepingCapacity: true) }
            return queue
        }
    }

    /// Waits until something is in the queue or the time is over.
    func wait(_ timeout: Duration) {
        var poller = pollfd(fd: signal.raw, events: Int16(POLLIN), revents: 0)
        // An interrupted wait only returns early.
        _ = poll(&poller, 1, timeout.milliseconds(roundedUp: true))
    }
}

/// An event with the time at which it happened.
struct TimedEvent: Sendable {
    let event: HeartbeatEvent
    let time: MonotonicTime
}

/// Where all threads tell the coordinator what happened.
typealias EventMailbox = Mailbox<TimedEvent>

extension Mailbox where Element == TimedEvent {
    func post(_ event: HeartbeatEvent, at time: MonotonicTime = .now) {
        post(TimedEvent(event: event, time: time))
    }

    /// For what happens many times a second and is looked at with the clock anyway.
    func postQuietly(_ event: HeartbeatEvent, at time: MonotonicTime = .now) {
        postQuietly(TimedEvent(event: event, time: time))
    }
}
