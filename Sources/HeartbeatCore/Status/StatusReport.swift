// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The present state as text for people and as JSON for programs.
struct StatusReport {
    let coordinator: Coordinator
    let counters: ProbeCounters
    let tryAgainTotal: UInt64
    let keySource: String
    let now: MonotonicTime

    /// One line for the agent: "joined", or since how many seconds not, and why.
    var ping: String {
        if coordinator.joinedAt != nil {
            return "joined"
        }
        let seconds = (now - coordinator.corosyncProblemSince).components.seconds
        return "not-joined \(seconds) \(coordinator.corosyncProblem ?? "joining the group")"
    }

    /// One screen.
    var text: String {
        var lines: [String] = []
        let node = coordinator.topology?.local?.name ?? "this node"
        let score = coordinator.score.map(String.init) ?? "not yet published"
        lines.append("heartbeat on \(node): \(coordinator.state), hb-score \(score), \(corosync)")
        for link in coordinator.topology?.links ?? [] {
            lines.append(describe(link))
            lines += (coordinator.pings[link] ?? [:]).sorted { $0.key < $1.key }.map { target, monitor in
                "  ping \(target): \(monitor.isAlive ? "answers" : "does not answer") since \(age(monitor.since))"
                    + (monitor.isAlive ? byNeighborhood(monitor) : "")
            }
            for group in coordinator.configuration.pingGroups[link] ?? [] {
                let state = coordinator.pingGroupStates[link]?[group.name]
                let word =
                    state.map { "\($0.isAlive ? "answers" : "does not answer") since \(age($0.since))" } ?? "unknown"
                lines.append("  ping group \(group.name) (\(group.targets.count) members, counts as one): \(word)")
            }
            for peer in coordinator.peers.values.sorted(by: { $0.id < $1.id }) {
                lines.append(describe(peer, link))
            }
        }
        for (link, verdict) in coordinator.verdicts.sorted(by: { $0.key < $1.key }) {
            let who = verdict.faulty.sorted().map(coordinator.name(of:)).joined(separator: ", ")
            let since = coordinator.verdictSince[link].map(age) ?? "?"
            lines.append(
                "verdict on link \(coordinator.configuration.name(ofLink: link)): \(verdict.reason.name), "
                    + (who.isEmpty ? "nobody at fault" : "at fault: \(who)") + ", since \(since)"
            )
        }
        lines += warnings
        let attributes = coordinator.published.filter { !$0.isPrivate }.map { attribute in
            let isConfirmed = coordinator.confirmed[attribute.key] == attribute.value
            return "\(attribute.key)=\(attribute.value ?? "")\(isConfirmed ? "" : " (not confirmed)")"
        }
        lines.append("attributes: " + (attributes.isEmpty ? "none yet" : attributes.joined(separator: " ")))
        if let failure = coordinator.attributeFailure {
            lines.append("attributes do not reach Pacemaker: \(failure)")
        }
        lines.append(
            "probes: sent \(counters.sent), heard \(counters.accepted), forged \(counters.forged), "
                + "replayed \(counters.replayed), foreign \(counters.foreign), malformed \(counters.malformed), "
                + "wrong ttl \(counters.wrongTTL); "
                + "key: \(keySource)"
        )
        return lines.joined(separator: "\n") + "\n"
    }

    /// Every designated link's verdict with all its inputs.
    var explanation: String {
        var lines: [String] = []
        for (link, verdict) in coordinator.verdicts.sorted(by: { $0.key < $1.key }) {
            let who = verdict.faulty.sorted().map(coordinator.name(of:)).joined(separator: ", ")
            let health = coordinator.health[link]
            lines.append(
                "link \(coordinator.configuration.name(ofLink: link)): \(verdict.reason.name), "
                    + (who.isEmpty ? "nobody at fault" : "at fault: \(who)")
                    + coordinator.inputs(link, at: now)
            )
            lines.append(
                "  published for us: \(health?.value.map { $0 ? "healthy" : "at fault" } ?? "nothing yet")"
                    + (health?.since.map { " since \(age($0))" } ?? "")
                    + ((health?.flaps.holds(at: now) ?? false) ? ", held down after flapping" : "")
            )
        }
        lines.append(
            "guards: late \(word(coordinator.isLate(at: now))), group stalled \(word(coordinator.isStalled(at: now))), "
                + "merging \(word(coordinator.isMerging(at: now))), "
                + "starting \(word(now - coordinator.startedAt < coordinator.timers.initdead))"
        )
        let changes = history(12).split(separator: "\n").map { "  \($0)" }
        return (lines + ["last changes (more: heartbeat history):"] + changes).joined(separator: "\n") + "\n"
    }

    /// What somebody should know or do something about.
    private var warnings: [String] {
        var lines: [String] = []
        if let isHealthy = coordinator.forcedHealth(at: now), let until = coordinator.forced?.until {
            let left = (until - now).components.seconds
            lines.append("FORCED by an operator: \(isHealthy ? "healthy" : "at fault"), \(left) s more")
        }
        if coordinator.isInMaintenance(at: now), let until = coordinator.maintenanceUntil {
            let left = (until - now).components.seconds
            lines.append(
                "MAINTENANCE: nothing new is published" + (left > 1_000_000_000 ? "" : ", \(left) s more")
            )
        }
        if !coordinator.alarmed.isEmpty {
            let names = coordinator.alarmed.sorted().map(coordinator.name(of:)).joined(separator: ", ")
            lines.append("ALARM: split opinion, other verdict on \(names) (see heartbeat explain there)")
        }
        if !coordinator.blockedProbes.isEmpty {
            let names = coordinator.blockedProbes.sorted().map(coordinator.name(of:)).joined(separator: ", ")
            lines.append("ALARM: no probe of \(names) arrives (firewall, key?); corosync's view is used")
        }
        for peer in coordinator.peers.values.sorted(by: { $0.id < $1.id }) {
            if let difference = coordinator.difference(from: peer) {
                lines.append("WARNING: other \(difference.rawValue) in the configuration of \(peer.name)")
            }
        }
        if coordinator.isLate(at: now) {
            lines.append("we were away a moment ago: nobody is accused")
        }
        if coordinator.isRealTime == false || coordinator.isLocked == false {
            let priority = coordinator.isRealTime == false ? "no real-time priority" : ""
            let memory = coordinator.isLocked == false ? "memory not locked" : ""
            lines.append("scheduling: " + [priority, memory].filter { !$0.isEmpty }.joined(separator: ", "))
        }
        if !coordinator.advice.isEmpty {
            lines.append("WARNING: corosync.conf has \(coordinator.advice.count) unsuitable values: heartbeat check")
            lines += coordinator.advice.map { "  \($0)" }
        }
        let off = coordinator.configuration.disabledEvidence.map(\.rawValue).sorted()
        if !off.isEmpty {
            lines.append("evidence switched off: \(off.joined(separator: ", "))")
        }
        return lines
    }

    private var corosync: String {
        coordinator.corosyncProblem.map { "corosync: \($0)" }
            ?? "in the group, own messages back in \(coordinator.selfDelivery.wholeNanoseconds / 1000) us"
    }

    private func describe(_ link: UInt8) -> String {
        let settings = coordinator.configuration.settings(ofLink: link)
        let local = coordinator.localLinks[link]
        let carrier = local.map { $0.hasAddress ? $0.hasCarrier ? "carrier" : "NO CARRIER" : "ADDRESS MISSING" }
        let address = coordinator.topology?.local?.addresses[link]?.description ?? "?"
        return "link \(settings.name) (\(settings.isDesignated ? "designated" : "support")): "
            + "\(local?.interface ?? "no interface") \(address), \(carrier ?? "unknown")"
    }

    private func describe(_ peer: Peer, _ link: UInt8) -> String {
        guard let monitor = peer.monitors[link] else {
            return "  \(peer.name): not on this link"
        }
        let heard = peer.hearsUs(link, us: coordinator.topology?.localNode ?? 0)
        let roundTrip = peer.roundTrip[link].map { ", rtt \($0.wholeNanoseconds / 1000) us" } ?? ""
        let knet = peer.knet[link].map { $0.isConnected ? "connected" : "disconnected" } ?? "unknown"
        return "  \(peer.name): from it \(monitor.state.name) since \(age(monitor.since)), "
            + "to it \(heard.map { $0 ? "up" : "down" } ?? "unknown"), knet \(knet)\(roundTrip), "
            + "loss \(monitor.lossPermille(at: now)) permille, late \(monitor.lateTotal), down \(monitor.downTotal)"
            + (peer.isKnetAsked && monitor.hears != true ? ", by corosync's word" : "")
            + (peer.isInGroup ? "" : ", its heartbeat is not in the group")
    }

    /// By what a gateway answers that drops ICMP echoes.
    private func byNeighborhood(_ monitor: PingMonitor) -> String {
        switch monitor.lastAnswer {
        case .arp?: " (by ARP only)"
        case .solicitation?: " (by neighbour discovery only)"
        case .echo?, nil: ""
        }
    }

    private func age(_ since: MonotonicTime) -> String { "\((now - since).components.seconds) s ago" }

    private func word(_ value: Bool) -> String { value ? "yes" : "no" }
}
