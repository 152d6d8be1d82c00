// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

extension StatusReport {
    /// The last changes with their evidence and wall-clock times, oldest first.
    func history(_ count: Int?) -> String {
        let entries = coordinator.history.entries.suffix(max(0, count ?? 40))
        guard !entries.isEmpty else {
            return "nothing has changed since the start\n"
        }
        return entries.map { "\(wallClock($0.time))  \($0.text)\n" }.joined()
    }

    /// One line a node: name, `up`, `dead` or `unknown`, and whether its heartbeat speaks.
    var nodes: String {
        normalNodes.map { "\($0.name) \($0.state) \($0.speaks ? "heartbeat" : "silent")\n" }.joined()
    }

    /// One line a ping node: address or `group:NAME`, `up`, `dead` or `unknown`, and its link.
    var pingNodes: String {
        pingedNodes.map { "\($0.name) \($0.state) \($0.link)\n" }.joined()
    }

    /// All nodes as a JSON array.
    var nodesJSON: String {
        let normal = normalNodes.map { node in
            JSONValue.object([
                ("name", .string(node.name)), ("type", .string("normal")), ("state", .string(node.state)),
                ("heartbeat", .boolean(node.speaks)),
            ])
        }
        let pinged = pingedNodes.map { node in
            JSONValue.object([
                ("name", .string(node.name)), ("type", .string("ping")), ("state", .string(node.state)),
                ("link", .string(node.link)),
            ])
        }
        return JSONValue.array(normal + pinged).text + "\n"
    }

    private var normalNodes: [(name: String, state: String, speaks: Bool)] {
        (coordinator.topology?.nodes ?? []).map { node in
            let isLocal = node.id == coordinator.topology?.localNode
            let isMember = isLocal || coordinator.ring.contains(node.id)
            let state = coordinator.joinedAt == nil && !isLocal ? "unknown" : isMember ? "up" : "dead"
            return (node.name, state, isLocal || coordinator.peers[node.id]?.isInGroup == true)
        }
    }

    private typealias PingedNode = (name: String, state: String, link: String)

    private var pingedNodes: [PingedNode] {
        let targets: [PingedNode] = coordinator.pings.sorted { $0.key < $1.key }.flatMap { link, targets in
            targets.sorted { $0.key < $1.key }.map { target, monitor in
                (target.description, monitor.isAlive ? "up" : "dead", coordinator.configuration.name(ofLink: link))
            }
        }
        let groups: [PingedNode] = coordinator.configuration.pingGroups.sorted { $0.key < $1.key }.flatMap {
            link,
            groups in
            groups.map { group in
                let isAlive = coordinator.pingGroupStates[link]?[group.name]?.isAlive
                let state = isAlive.map { $0 ? "up" : "dead" } ?? "unknown"
                return ("group:\(group.name)", state, coordinator.configuration.name(ofLink: link))
            }
        }
        return targets + groups
    }

    /// One line a link to a node: name, `up`, `down` or `unknown`, and both directions.
    func links(of node: String) -> String {
        guard let peer = coordinator.peers.values.first(where: { $0.name == node || String($0.id) == node }) else {
            return "error: no other node is called \(node)\n"
        }
        return peer.monitors.keys.sorted().map { link in
            let hears = peer.hears(link)
            let heard = peer.hearsUs(link, us: coordinator.topology?.localNode ?? 0)
            let state: String
            switch (hears, heard) {
            case (false?, _), (_, false?): state = "down"
            case (true?, true?): state = "up"
            default: state = "unknown"
            }
            let word = { (value: Bool?) in value.map { $0 ? "yes" : "no" } ?? "unknown" }
            return "\(coordinator.configuration.name(ofLink: link)) \(state) hear=\(word(hears)) heard=\(word(heard))\n"
        }.joined()
    }

    /// The local time of a reading of the monotonic clock, as the wall clock stands now.
    private func wallClock(_ time: MonotonicTime) -> String {
        var wall = timespec()
        // Cannot fail: the clock exists (clock_gettime(2)).
        _ = clock_gettime(CLOCK_REALTIME, &wall)
        let nanoseconds = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - (now - time).wholeNanoseconds
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
        let milliseconds = String(nanoseconds / 1_000_000 % 1000 + 1000).dropFirst()
        return "\(String(nulTerminated: buffer)).\(milliseconds)"
    }
}
