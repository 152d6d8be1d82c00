// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Corosync
import Glibc
import LinuxKit

/// The one thread that speaks with the process group; it reconnects for ever and ends only with the process.
struct RelayGroupThread: Sendable {
    private static let shortestPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(5)
    private static let deniedPause = Duration.seconds(30)
    private static let shortestRetry = Duration.milliseconds(1)
    private static let longestRetry = Duration.milliseconds(10)
    /// Messages in a row before what came is taken.
    private static let burst = 16

    private let group: String
    private let events: Mailbox<RelayEvent>
    let outbox: GroupOutbox

    init(group: String, events: Mailbox<RelayEvent>) throws(SystemError) {
        self.group = group
        self.events = events
        outbox = try GroupOutbox()
    }

    func start() {
        CorosyncThread.start { run() }
    }

    private func run() {
        // The name only serves people who look at threads.
        _ = vervet_set_thread_name("relay-group")
        var pause = Self.shortestPause
        while true {
            let began = SuspendingClock.now
            do throws(CorosyncError) {
                try session()
            } catch {
                events.post(.separated(error.description))
                outbox.clear()
                if SuspendingClock.now - began > Self.longestPause {
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
        events.post(.topology(try RelayTopologyReader.read()))
        try join(group)
        let descriptor = try group.descriptor()
        var hasJoined = false
        var unsent: [UInt8]?
        var retry = Self.shortestRetry
        while true {
            var pollers = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: outbox.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            // An interrupted poll leaves no events and is simply repeated.
            _ = poll(&pollers, 2, unsent == nil ? -1 : retry.milliseconds(roundedUp: true))
            for event in try group.dispatch() {
                forward(event, node, &hasJoined)
            }
            if pollers[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
                // What was delivered before the end has been taken; the next call tells the library's own story.
                _ = try group.dispatch()
            }
            outbox.acknowledge()
            guard hasJoined else {
                continue
            }
            retry = try send(group, &unsent) ? Self.shortestRetry : min(retry * 2, Self.longestRetry)
        }
    }

    /// Sends what waits.
    ///
    /// - Returns: Whether Corosync took something.
    private func send(_ group: borrowing ProcessGroup, _ unsent: inout [UInt8]?) throws(CorosyncError) -> Bool {
        for sent in 0..<Self.burst {
            guard let message = unsent ?? outbox.next() else {
                return true
            }
            unsent = message
            do throws(CorosyncError) {
                try group.multicast(message)
                unsent = nil
            } catch {
                guard error.kind == .tryAgain else {
                    throw error
                }
                return sent > 0
            }
        }
        // More may wait: come back at once after looking at what came.
        unsent = outbox.next()
        return true
    }

    private func join(_ group: borrowing ProcessGroup) throws(CorosyncError) {
        while true {
            do throws(CorosyncError) {
                return try group.join(self.group)
            } catch {
                guard error.kind == .tryAgain else {
                    throw error
                }
                sleep(.milliseconds(50))
            }
        }
    }

    private func forward(_ event: ProcessGroup.Event, _ node: UInt32, _ hasJoined: inout Bool) {
        switch event {
        case .message(let sender, let bytes) where sender.node == node:
            // Only how long it took is of interest.
            if let sequence = RelayEnvelope.sequenceOfData(bytes) {
                events.post(.delivered(sequence))
            }
        case .message(let sender, let bytes):
            events.post(.message(sender: sender.node, bytes: bytes))
        case .members(let members, let left, let joined):
            if !hasJoined, members.contains(where: { $0.node == node }) {
                hasJoined = true
                events.post(.joined(node))
            }
            // A relay that was away and is back in one breath is a new one.
            let again = joined.map(\.node).filter { node in left.contains { $0.node == node } }
            if !again.isEmpty {
                events.post(.members(members.map(\.node).filter { !again.contains($0) }))
            }
            events.post(.members(members.map(\.node)))
        case .ring: break
        }
    }

    private func sleep(_ time: Duration) {
        // Waking early by a signal does no harm here.
        _ = usleep(UInt32(time / .microseconds(1)))
    }
}
