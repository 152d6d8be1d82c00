// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// A single-threaded epoll(7) loop with timers; everything it calls runs on the thread that calls ``run()``.
public final class EventLoop {
    /// What a watched descriptor is ready for.
    public struct Readiness: OptionSet, Sendable {
        /// The bits as in `epoll_event.events`.
        public let rawValue: UInt32

        /// Takes epoll's bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Bytes, a connection or the end of the stream can be read.
        public static let readable = Readiness(rawValue: EPOLLIN.rawValue)

        /// Bytes can be written, or connect(2) is over.
        public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)

        /// An error is pending, or the peer hung up; always reported, never asked for.
        public static let broken = Readiness(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)

        /// The peer has ended its side; what it sent before can still be read.
        public static let ended = Readiness(rawValue: EPOLLRDHUP.rawValue)

        /// Asked for beside others: only changes are told, not the state, so that one registration serves for life.
        public static let onlyChanges = Readiness(rawValue: EPOLLET.rawValue)
    }

    /// Names a timer, for cancelling it.
    public struct TimerID: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Watcher {
        let generation: UInt32
        let handler: (Readiness) -> Void
    }

    private let poller: OwnedDescriptor
    private var watchers: [CInt: Watcher] = [:]
    private var generation: UInt32 = 0
    private var timers = TimerQueue()
    private var actions: [UInt64: () -> Void] = [:]
    private var lastTimer: UInt64 = 0
    private var isStopping = false
    private var nextTurn: [() -> Void] = []

    /// When this turn of the loop began to serve: near enough to ``now`` for short work, and free of a system call.
    public private(set) var turn = SuspendingClock.now

    /// When the loop last came back more than a second late (the process was stopped, or starved), or nil.
    ///
    /// Deadlines that passed in such a gap say nothing about the other side.
    public private(set) var lastStall: SuspendingClock.Instant?

    /// Creates the loop.
    ///
    /// - Throws: ``SystemError`` of epoll_create1(2).
    public init() throws(SystemError) {
        poller = OwnedDescriptor(owning: try systemCall("epoll_create1") { epoll_create1(CInt(EPOLL_CLOEXEC)) })
    }

    /// Now, on the clock of the timers (CLOCK_MONOTONIC).
    public var now: SuspendingClock.Instant { SuspendingClock.now }

    /// Calls `handler` whenever the descriptor is ready, until ``unwatch(_:)``.
    ///
    /// - Parameters:
    ///   - descriptor: It stays the caller's; unwatch it before it is closed.
    ///   - interest: What to wait for.
    ///   - handler: Gets what the descriptor is ready for.
    /// - Throws: ``SystemError`` of epoll_ctl(2).
    public func watch(
        _ descriptor: CInt,
        for interest: Readiness,
        _ handler: @escaping (Readiness) -> Void
    ) throws(SystemError) {
        generation &+= 1
        try control(EPOLL_CTL_ADD, descriptor, interest, generation)
        watchers[descriptor] = Watcher(generation: generation, handler: handler)
    }

    /// Changes what a watched descriptor is waited for.
    ///
    /// - Throws: ``SystemError`` of epoll_ctl(2).
    public func change(_ descriptor: CInt, to interest: Readiness) throws(SystemError) {
        guard let watcher = watchers[descriptor] else {
            throw SystemError(operation: "epoll_ctl", subject: "\(descriptor)", code: ENOENT)
        }
        try control(EPOLL_CTL_MOD, descriptor, interest, watcher.generation)
    }

    /// Stops watching; events that were already fetched for this descriptor are dropped.
    public func unwatch(_ descriptor: CInt) {
        guard watchers.removeValue(forKey: descriptor) != nil else {
            return
        }
        var unused = epoll_event()
        // Cannot fail for a descriptor that is open and watched, which is what the table above says.
        _ = epoll_ctl(poller.raw, EPOLL_CTL_DEL, descriptor, &unused)
    }

    /// Stops watching a descriptor that is closed right after, which is what takes it from the kernel's list.
    public func unwatchForClose(_ descriptor: CInt) { watchers[descriptor] = nil }

    /// Calls `action` once in this turn, after the handlers that are due; what that adds comes in the next turn.
    public func soon(_ action: @escaping () -> Void) { nextTurn.append(action) }

    /// Calls `action` once after `delay`.
    ///
    /// - Returns: The timer's name.
    @discardableResult
    public func after(_ delay: Duration, _ action: @escaping () -> Void) -> TimerID {
        at(now + delay, action)
    }

    /// Calls `action` once at `instant`, at once when that has passed.
    ///
    /// - Returns: The timer's name.
    @discardableResult
    public func at(_ instant: SuspendingClock.Instant, _ action: @escaping () -> Void) -> TimerID {
        lastTimer += 1
        actions[lastTimer] = action
        timers.insert(TimerQueue.Entry(instant: instant, number: lastTimer))
        return TimerID(number: lastTimer)
    }

    /// Forgets a timer; one that has fired or was cancelled before is no error.
    public func cancel(_ timer: TimerID) {
        actions[timer.number] = nil
        // Deadlines are nearly always cancelled, long before their time.
        if timers.count > 2 * actions.count + 256 {
            timers.keep { actions[$0.number] != nil }
        }
    }

    /// Serves descriptors and timers until ``stop()``.
    ///
    /// - Throws: ``SystemError`` of epoll_wait(2), which only a programming error can cause.
    public func run() throws(SystemError) {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        isStopping = false
        var fullTurns = 0
        while !isStopping {
            let start = now
            let timeout = nextTimeout(from: start)
            let count = epoll_wait(poller.raw, &events, CInt(events.count), timeout)
            if count < 0, errno != EINTR {
                throw .last("epoll_wait")
            }
            turn = now
            let allowed = Duration.milliseconds(Int64(max(0, timeout)) + 1000)
            if timeout >= 0, turn - start > allowed {
                lastStall = turn
            }
            for event in events.prefix(max(0, Int(count))) {
                deliver(event)
            }
            // Where more is ready than fits, deadlines wait for a while: the answers may be among it.
            fullTurns = Int(count) == events.count ? fullTurns + 1 : 0
            if fullTurns % 16 == 0 {
                fireTimers()
            }
            let soon = nextTurn
            nextTurn = []
            soon.forEach { $0() }
        }
    }

    /// Makes ``run()`` return after the handlers that are due in this turn.
    public func stop() { isStopping = true }

    private func deliver(_ event: epoll_event) {
        let key = event.data.u64
        // A handler earlier in this batch may have closed the descriptor, and another may have got its number.
        guard let watcher = watchers[CInt(truncatingIfNeeded: key & 0xffff_ffff)],
            watcher.generation == UInt32(truncatingIfNeeded: key >> 32)
        else {
            return
        }
        watcher.handler(Readiness(rawValue: event.events))
    }

    private func fireTimers() {
        while let entry = timers.first, entry.instant <= turn {
            timers.removeFirst()
            actions.removeValue(forKey: entry.number)?()
        }
    }

    private func nextTimeout(from start: SuspendingClock.Instant) -> CInt {
        guard nextTurn.isEmpty else {
            return 0
        }
        while let entry = timers.first, actions[entry.number] == nil {
            timers.removeFirst()
        }
        guard let entry = timers.first else {
            return -1
        }
        return max(.zero, entry.instant - start).milliseconds(roundedUp: true)
    }

    private func control(
        _ operation: CInt,
        _ descriptor: CInt,
        _ interest: Readiness,
        _ generation: UInt32
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        try systemCall("epoll_ctl", "\(descriptor)") { epoll_ctl(poller.raw, operation, descriptor, &event) }
    }
}
