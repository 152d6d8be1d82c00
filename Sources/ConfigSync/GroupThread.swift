// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import ConfigSyncCore
import Corosync
import Glibc
import LinuxKit

/// What the group tells the daemon.
enum GroupEvent: Sendable {
    /// We are a member.
    case joined(node: NodeID, name: String)
    /// Who is, and who has just come.
    case members(Set<NodeID>, joined: Set<NodeID>)
    /// A member's bytes.
    case message(sender: NodeID, bytes: [UInt8])
    /// The connection to Corosync failed.
    case lost(String)
}

/// The one thread that speaks with the process group; it reconnects for ever and ends only with the process.
struct GroupThread: Sendable {
    /// The group of all daemons; the name is part of the protocol.
    private static let group = "vervet-config-1"

    private static let shortestPause = Duration.milliseconds(200)
    private static let longestPause = Duration.seconds(5)
    private static let deniedPause = Duration.seconds(30)

    let events: Mailbox<GroupEvent>
    private let outbox: Mailbox<[UInt8]>

    init() throws(SystemError) {
        events = try Mailbox()
        outbox = try Mailbox()
    }

    /// Queues a message for the group; messages keep their order, and are forgotten when the connection is lost.
    func send(_ message: [UInt8]) { outbox.post(message) }

    func start() {
        CorosyncThread.start { run() }
    }

    private func run() {
        // The name only serves people who look at threads.
        _ = vervet_set_thread_name("cs-group")
        var pause = Self.shortestPause
        while true {
            let deadline = Deadline(after: Self.longestPause)
            do throws(CorosyncError) {
                try session()
            } catch {
                events.post(.lost(error.description))
                if deadline.hasPassed {
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
        let name = try Self.name(of: try ConfigurationMap())
        // What was meant for a connection that is gone.
        _ = outbox.drain()
        try join(group)
        let descriptor = try group.descriptor()
        var hasJoined = false
        var unsent: ArraySlice<[UInt8]> = []
        var retry = Duration.milliseconds(5)
        while true {
            var pollers = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: outbox.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            // An interrupted poll leaves no events and is simply repeated.
            _ = poll(&pollers, 2, unsent.isEmpty ? -1 : retry.milliseconds(roundedUp: true))
            for event in try group.dispatch() {
                forward(event, node, name, &hasJoined)
            }
            if pollers[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 {
                // What was delivered before the end has been taken; the next call tells the library's own story.
                _ = try group.dispatch()
            }
            unsent += outbox.drain()
            do throws(CorosyncError) {
                while let message = unsent.first {
                    try group.multicast(message)
                    unsent.removeFirst()
                    retry = .milliseconds(5)
                }
            } catch {
                guard error.kind == .tryAgain else {
                    throw error
                }
                retry = min(retry * 2, .milliseconds(50))
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

    private func forward(_ event: ProcessGroup.Event, _ node: NodeID, _ name: String, _ hasJoined: inout Bool) {
        switch event {
        case .message(let sender, let bytes): events.post(.message(sender: sender.node, bytes: bytes))
        case .members(let members, _, let joined):
            let nodes = Set(members.map(\.node))
            if !hasJoined, nodes.contains(node) {
                hasJoined = true
                events.post(.joined(node: node, name: name))
                return events.post(.members(nodes, joined: nodes))
            }
            events.post(.members(nodes, joined: Set(joined.map(\.node))))
        case .ring: break
        }
    }

    /// Our name in Corosync's node list, else the machine's.
    private static func name(of map: borrowing ConfigurationMap) throws(CorosyncError) -> String {
        if let position = try map.number("nodelist.local_node_pos"),
            let name = try map.text("nodelist.node.\(position).name")
        {
            return name
        }
        var buffer = [CChar](repeating: 0, count: 256)
        return gethostname(&buffer, buffer.count - 1) == 0 ? String(nulTerminated: buffer) : "unnamed"
    }

    private func sleep(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        // Waking early by a signal does no harm here.
        _ = usleep(UInt32(clamping: seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
}
