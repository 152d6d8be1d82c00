// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension Coordinator {
    /// A ping group as it stands.
    struct PingGroupState: Equatable, Sendable {
        /// Whether any member answers.
        var isAlive: Bool

        /// Since when that is so.
        var since: MonotonicTime
    }

    /// Ping nodes of a link and how many of them answer: single targets, and each group as one that answers while any of
    /// its members does.
    func pingNodes(_ link: UInt8) -> (total: Int, alive: Int) {
        guard let targets = pings[link], !targets.isEmpty else {
            return (0, 0)
        }
        guard let groups = configuration.pingGroups[link] else {
            return (targets.count, targets.values.count { $0.isAlive })
        }
        let singles = Set(configuration.pings[link] ?? []).filter { targets[$0] != nil }
        return (
            singles.count + groups.count,
            singles.count { targets[$0]?.isAlive == true } + groups.count { answers($0, targets) }
        )
    }

    /// The names of the groups of a link that a target belongs to.
    func pingGroups(of target: IPAddress, _ link: UInt8) -> [String] {
        (configuration.pingGroups[link] ?? []).filter { $0.targets.contains(target) }.map(\.name)
    }

    /// Looks whether the groups have begun or ceased to answer; the members were looked at before.
    mutating func advancePingGroups(at now: MonotonicTime) {
        for (link, groups) in configuration.pingGroups {
            guard let targets = pings[link], !targets.isEmpty else {
                continue
            }
            for group in groups {
                let isAlive = answers(group, targets)
                let old = pingGroupStates[link]?[group.name]
                guard old?.isAlive != isAlive else {
                    continue
                }
                pingGroupStates[link, default: [:]][group.name] = PingGroupState(isAlive: isAlive, since: now)
                if isAlive || old != nil {
                    log(
                        isAlive ? .info : .warning,
                        "link \(configuration.name(ofLink: link)): ping group \(group.name) "
                            + (isAlive ? "answers" : "does not answer: none of its \(group.targets.count) members does")
                    )
                }
            }
        }
    }

    private func answers(_ group: HeartbeatConfiguration.PingGroup, _ targets: [IPAddress: PingMonitor]) -> Bool {
        group.targets.contains { targets[$0]?.isAlive == true }
    }
}
