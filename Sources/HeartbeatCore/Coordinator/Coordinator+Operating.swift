// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension Coordinator {
    /// How long another node's verdict may differ from ours before that is an alarm.
    private static let opinionLimit = Duration.seconds(2)

    /// Whether an operator froze what is published.
    public func isInMaintenance(at now: MonotonicTime) -> Bool { maintenanceUntil.map { now < $0 } ?? false }

    /// What an operator forced, while it lasts.
    func forcedHealth(at now: MonotonicTime) -> Bool? {
        forced.flatMap { now < $0.until ? $0.isHealthy : nil }
    }

    /// Does what an operator wants.
    ///
    /// - Parameters:
    ///   - order: The order.
    ///   - now: The present.
    /// - Returns: One line to answer.
    public mutating func obey(_ order: OperatorOrder, at now: MonotonicTime) -> String {
        switch order {
        case .force(let isHealthy, let time):
            guard !health.isEmpty else {
                return "error: no link is designated yet"
            }
            forced = (isHealthy, now + time)
            let until = "for \(time.components.seconds) s"
            log(.warning, "an operator forces \(isHealthy ? "healthy" : "at fault") \(until)", at: now)
            return "published as \(isHealthy ? "healthy" : "at fault") \(until), then by the evidence again"
        case .forceOff:
            guard forced != nil else {
                return "nothing is forced"
            }
            forced = nil
            log(.warning, "an operator ends the forced verdict", at: now)
            return "by the evidence again"
        case .maintenance(let time, let isOfCluster):
            maintenanceUntil = time.map { now + $0 } ?? MonotonicTime(nanoseconds: .max)
            let until = time.map { "for \($0.components.seconds) s" } ?? "until told otherwise"
            log(.warning, "maintenance \(until): what is published stays as it is", at: now)
            tell(order, isOfCluster, at: now)
            return "maintenance \(until)\(isOfCluster ? " on all nodes" : ""): what is published stays as it is"
        case .maintenanceOff(let isOfCluster):
            let was = isInMaintenance(at: now)
            maintenanceUntil = nil
            if was {
                log(.warning, "maintenance ends", at: now)
            }
            tell(order, isOfCluster, at: now)
            return "no maintenance\(isOfCluster ? " on any node" : "")"
        }
    }

    private mutating func tell(_ order: OperatorOrder, _ isOfCluster: Bool, at now: MonotonicTime) {
        if isOfCluster, joinedAt != nil {
            var admin = message(.admin, at: now)
            admin.reason = order.textForOneNode
            sequence += 1
            admin.sequence = sequence
            effects.append(.multicast(.admin, admin.encoded()))
        }
    }

    /// An order that another node's operator gave for all.
    mutating func obey(orderOf sender: NodeID, _ text: String, at now: MonotonicTime) {
        guard let order = OperatorOrder(text) else {
            return
        }
        switch order {
        case .maintenance, .maintenanceOff:
            log(.notice, "an order from \(name(of: sender)): \(text)", at: now)
            _ = obey(order, at: now)
        case .force, .forceOff: break
        }
    }

    /// Ends what has run out.
    mutating func expireOrders(at now: MonotonicTime) {
        if let forced, now >= forced.until {
            self.forced = nil
            log(.warning, "the forced verdict has run out: by the evidence again", at: now)
        }
        if let maintenanceUntil, now >= maintenanceUntil {
            self.maintenanceUntil = nil
            log(.warning, "maintenance has run out", at: now)
        }
    }

    /// Compares the others' verdicts with ours; all see the same views in the same order, so a lasting difference is a bug
    /// or a torn network, and somebody should look.
    mutating func compareOpinions(at now: MonotonicTime) {
        for peer in peers.values {
            let isFresh = peer.viewArrived.map { now - $0 <= timers.viewLimit } ?? false
            let theirs = peer.view.map { view in
                Dictionary(view.verdicts.map { ($0.link, Set($0.faulty)) }, uniquingKeysWith: { first, _ in first })
            }
            let isDifferent =
                isFresh && ring.contains(peer.id) && !isMerging(at: now) && !isLate(at: now)
                && peer.view?.flags.isDisjoint(with: [.selfLate, .starting, .stopping]) == true
                && verdicts.contains { link, verdict in theirs?[link].map { $0 != verdict.faulty } ?? false }
            guard isDifferent else {
                if let since = differsSince.removeValue(forKey: peer.id), now - since > Self.opinionLimit {
                    log(.notice, "\(peer.name) and we agree again", at: now)
                }
                continue
            }
            let since = differsSince[peer.id] ?? now
            differsSince[peer.id] = since
            if now - since > Self.opinionLimit, !alarmed.contains(peer.id) {
                let texts = verdicts.keys.sorted().map { link in
                    let others = (theirs?[link] ?? []).sorted().map(name(of:)).joined(separator: ", ")
                    let ours = (verdicts[link]?.faulty ?? []).sorted().map(name(of:)).joined(separator: ", ")
                    return "link \(configuration.name(ofLink: link)): it says [\(others)], we say [\(ours)]"
                }
                log(.error, "split opinion: \(peer.name) blames others: \(texts.joined(separator: "; "))", at: now)
            }
        }
        alarmed = Set(differsSince.filter { now - $0.value > Self.opinionLimit }.keys)
    }

    /// The members, ourselves included, whose last word about a link accuses the same nodes as ours.
    func whoAgrees(_ link: UInt8, at now: MonotonicTime) -> [NodeID] {
        guard let verdict = verdicts[link], let topology else {
            return []
        }
        let others = peers.values.filter { peer in
            guard ring.contains(peer.id), let arrived = peer.viewArrived, now - arrived <= timers.viewLimit,
                let theirs = peer.view?.verdicts.first(where: { $0.link == link })
            else {
                return false
            }
            return Set(theirs.faulty) == verdict.faulty
        }
        return (others.map(\.id) + [topology.localNode]).sorted()
    }

    /// Says once what keeps probes from telling anything although all else works.
    mutating func watchForBlockedProbes(at now: MonotonicTime) {
        var blocked: Set<NodeID> = []
        for peer in peers.values where peer.isInGroup && peer.isKnetAsked && configuration.uses(.probes) {
            // A daemon that stands still sends nothing at all; one behind a firewall still speaks in the group.
            let heard = peer.monitors.values.compactMap(\.lastHeard).max() ?? startedAt
            let isSpeaking = peer.viewArrived.map { now - $0 <= timers.viewLimit && $0 - heard > .seconds(2) } ?? false
            if isSpeaking, peer.monitors.values.contains(where: { $0.state == .down }) {
                blocked.insert(peer.id)
            }
        }
        for id in blocked.subtracting(blockedProbes) {
            let ports = (topology?.links ?? []).map { String(configuration.port(ofLink: $0)) }.joined(separator: ", ")
            log(
                .error,
                "no probe of \(name(of: id)) arrives on any link although corosync's packets do: does a firewall drop "
                    + "UDP \(ports), or do the keys or the ttl differ? corosync's view is used instead",
                at: now
            )
        }
        for id in blockedProbes.subtracting(blocked) {
            log(.notice, "probes of \(name(of: id)) are not blocked any more", at: now)
        }
        blockedProbes = blocked
    }

    /// What differs between two configurations.
    enum Difference: String {
        /// The links: their names, roles, weights, addresses, times to live.
        case links
        /// The timers and rules.
        case policy
        /// Either; the peer is of a version that does not tell.
        case either = "links or policy"
    }

    /// What a peer's configuration has otherwise than ours; nil when nothing, or when it has not told.
    func difference(from peer: Peer) -> Difference? {
        guard peer.isInGroup, let view = peer.view, view.configurationHash != configuration.hash else {
            return nil
        }
        return view.policyDigest.map { $0 == configuration.policyDigest ? .links : .policy } ?? .either
    }

    /// Whether a peer works with other links or another policy than we do.
    var hasConfigurationMismatch: Bool { peers.values.contains { difference(from: $0) != nil } }
}
