// SPDX-License-Identifier: Apache-2.0
import Glibc
public import LinuxKit
import Synchronization

/// Membership of a process group that lasts: a thread of its own joins, takes what comes and sends what waits.
///
/// The thread reconnects for ever and ends only with the process.
public final class GroupMember<Queue: MessageQueue>: Sendable {
    private static var joinPause: Duration { .milliseconds(50) }

    /// What waits to be sent; nothing is sent before the group has confirmed that we are a member.
    public let outbox: GroupOutbox<Queue>

    private let conduct: GroupConduct
    private let refusals = Atomic<UInt64>(0)

    /// Prepares everything; the thread does not run yet.
    ///
    /// - Throws: ``SystemError`` of eventfd(2).
    public init(_ conduct: GroupConduct, queue: Queue) throws(SystemError) {
        self.conduct = conduct
        outbox = try GroupOutbox(queue)
    }

    /// How often Corosync answered `CS_ERR_TRY_AGAIN` or the like so far.
    public var tryAgainTotal: UInt64 { refusals.load(ordering: .relaxed) }

    /// Starts the thread; to be called once.
    public func start(_ handler: some GroupHandler) {
        CorosyncThread.start(conduct.thread) { [self] in
            var handler = handler
            run(&handler)
        }
    }

    private func run(_ handler: inout some GroupHandler) -> Never {
        handler.begin()
        var pause = ReconnectPause()
        while true {
            let began = SuspendingClock.now
            do throws(CorosyncError) {
                try session(&handler)
            } catch {
                if error.kind == .tryAgain {
                    countRefusal()
                }
                handler.lost(error)
                outbox.forget()
                let jitter = Duration.milliseconds(Int64.random(in: 0...ReconnectPause.longestJitter))
                wait(pause.next(after: error.kind, lasting: SuspendingClock.now - began, jitter: jitter))
            }
        }
    }

    /// One connection, until it fails.
    private func session(_ handler: inout some GroupHandler) throws(CorosyncError) -> Never {
        let group = try ProcessGroup()
        let node = try group.localNode()
        try handler.connect()
        // What was left since the connection before was lost.
        outbox.forget()
        try join(group)
        let descriptor = try group.descriptor()
        var isMember = false
        var turn = SendTurn(retry: conduct.retry, burst: conduct.burst)
        var pause: Duration?
        while true {
            var pollers = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: outbox.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            // An interrupted poll leaves no events and is simply repeated.
            _ = poll(&pollers, 2, pause?.milliseconds(roundedUp: true) ?? -1)
            for event in try group.dispatch() {
                if !isMember, event.hasMember(of: node) {
                    isMember = true
                    handler.joined(as: node)
                }
                handler.take(event)
            }
            if pollers[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
                // What was delivered before the end has been taken; the next call tells the library's own story.
                _ = try group.dispatch()
            }
            outbox.acknowledge()
            guard isMember else {
                continue
            }
            let outcome = try turn.run(outbox, into: group)
            if case .refused = outcome {
                countRefusal()
            }
            pause = outcome.pause
        }
    }

    private func join(_ group: borrowing ProcessGroup) throws(CorosyncError) {
        while true {
            do throws(CorosyncError) {
                return try group.join(conduct.group)
            } catch {
                guard error.kind == .tryAgain else {
                    throw error
                }
                countRefusal()
                wait(Self.joinPause)
            }
        }
    }

    private func countRefusal() { refusals.add(1, ordering: .relaxed) }

    private func wait(_ time: Duration) {
        // Waking early by a signal does no harm here.
        _ = poll(nil, 0, time.milliseconds(roundedUp: true))
    }
}

extension ProcessGroup.Event {
    /// Whether this is a list of members with one on `node`.
    fileprivate func hasMember(of node: UInt32) -> Bool {
        if case .members(let members, _, _) = self {
            return members.contains { $0.node == node }
        }
        return false
    }
}
