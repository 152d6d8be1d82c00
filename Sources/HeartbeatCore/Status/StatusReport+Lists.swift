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
        (coordinator.topology?.nodes ?? []).map { node in
            let isLocal = node.id == coordinator.topology?.localNode
            let isMember = isLocal || coordinator.ring.contains(node.id)
            let state = coordinator.joinedAt == nil && !isLocal ? "unknown" : isMember ? "up" : "dead"
            let speaks = isLocal || coordinator.peers[node.id]?.isInGroup == true
            return "\(node.name) \(state) \(speaks ? "heartbeat" : "silent")\n"
        }.joined()
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
