// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Corosync
import Glibc
import LinuxKit

/// The one thread that speaks with the process group; it reconnects for ever and ends only with the process.
struct GroupThread: Sendable {
    /// The group of all heartbeats; the name is part of the protocol.
    private static let group = "vervet-heartbeat-1"

    private static let shortestPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(5)
    private static let deniedPause = Duration.seconds(30)

    private let events: EventMailbox
    private let outbox: Mailbox<[UInt8]>

    init(events: EventMailbox) throws(SystemError) {
        self.events = events
        outbox = try Mailbox()
    }

    /// Queues a message for the group; only the newest is kept while the group cannot take any.
    func send(_ message: [UInt8]) {
        outbox.post(message)
    }

    func start() {
        CorosyncThread.start { run() }
    }

    private func run() {
        // The name only serves people who look at threads.
        _ = vervet_set_thread_name("hb-group")
        // The status tells of the network thread, for which the same holds.
        _ = RealTime.raiseThread()
        var pause = Self.shortestPause
        while true {
            let began = MonotonicTime.now
            do throws(CorosyncError) {
                try session()
            } catch {
                events.post(.corosyncLost(error.description))
                if MonotonicTime.now - began > Self.longestPause {
                    pause = Self.shortestPause
                }
                // Some jitter, so that the nodes do not reconnect in step.
                let wait = error.kind == .denied ? Self.deniedPause : pause
                sleep(wait + .milliseconds(Int64.random(in: 0...50)))
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    /// One connection, until it fails.
    private func session() throws(CorosyncError) {
        let group = try ProcessGroup()
        let node = try group.localNode()
        try join(group)
        let descriptor = try group.descriptor()
        var hasJoined = false
        var unsent: [UInt8]?
        var retry = Duration.milliseconds(5)
        while true {
            var pollers = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: outbox.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let timeout = unsent == nil ? -1 : retry.milliseconds(roundedUp: true)
            // An interrupted poll leaves no events and is simply repeated.
            _ = poll(&pollers, 2, timeout)
            for event in try group.dispatch() {
                forward(event, node, &hasJoined)
            }
            if pollers[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
                // What was delivered before the end has been taken; the next call tells the library's own story.
                _ = try group.dispatch()
            }
            if let newest = outbox.drain().last {
                unsent = newest
                retry = .milliseconds(5)
            }
            if let message = unsent {
                do throws(CorosyncError) {
                    try group.multicast(message)
                    unsent = nil
                } catch {
                    guard error.kind == .tryAgain else {
                        throw error
                    }
                    retry = min(retry * 2, .milliseconds(50))
                }
            }
        }
    }

    private func join(_ group: borrowing ProcessGroup) throws(CorosyncError) {
        while true {
            do throws(CorosyncError) {
                return try group.join(Self.group)
            } catch {
                guard error.kind == .tryAgain else {
                    throw error
                }
                sleep(.milliseconds(50))
            }
        }
    }

    private func forward(_ event: ProcessGroup.Event, _ node: NodeID, _ hasJoined: inout Bool) {
        switch event {
        case .message(let sender, let bytes):
            events.post(.message(sender: sender.node, bytes: bytes))
        case .members(let members, let left, let joined):
            if !hasJoined, members.contains(where: { $0.node == node }) {
                hasJoined = true
                events.post(.joined)
            }
            let gone = left.map(\.node).filter { node in !members.contains { $0.node == node } }
            events.post(.members(members.map(\.node), left: gone, joined: joined.map(\.node)))
        case .ring(let nodes):
            events.post(.ring(nodes))
        }
    }

    private func sleep(_ time: Duration) {
        // Waking early by a signal does no harm here.
        _ = usleep(UInt32(clamping: time.wholeNanoseconds / 1000))
    }
}
