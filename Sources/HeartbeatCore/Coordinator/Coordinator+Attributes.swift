// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension Coordinator {
    /// Attributes that only inform are published when they have been the same for so long.
    private static let secondarySettle = Duration.seconds(1)

    /// How long nothing that only informs is published after a node was lost: Pacemaker has to fence it and to start its
    /// services then, and each attribute costs it time.
    private static let lossRest = Duration.seconds(5)

    /// How long the same is held back after somebody is newly at fault or well: Pacemaker is moving services, and would calculate anew.
    private static let moveRest = Duration.milliseconds(2500)

    /// All attributes are asserted again after so long; Pacemaker drops equal values.
    private static let assertInterval = Duration.seconds(60)

    /// After a start or a merge sooner: Pacemaker's own daemons still exchange what they know, and may forget ours.
    static let firstAssertInterval = Duration.seconds(1)

    /// The weight of our healthy designated links: never negative, so that it cannot stop a service everywhere.
    ///
    /// Nil before the first conclusion about each of them.
    public var score: Int? { score(of: health.keys.sorted()) }

    /// The weight of those of `links` that are healthy; nil before the first conclusion about each of them.
    private func score(of links: [UInt8]) -> Int? {
        guard !links.isEmpty, links.allSatisfy({ health[$0]?.value != nil }) else {
            return nil
        }
        return configuration.weight(ofHealthy: links.filter { health[$0]?.value == true })
    }

    /// What moves services: hb-score, and one of its own for each service that needs certain links only.
    private func scores(_ score: Int) -> [NodeAttribute] {
        [NodeAttribute(name: "hb-score", value: String(score))]
            + configuration.services.compactMap { service in
                // Links that Corosync does not have were never concluded about.
                self.score(of: service.links.filter { health[$0] != nil }).map {
                    NodeAttribute(name: "hb-score-\(service.name)", value: String($0))
                }
            }
    }

    /// Links that work between us and every other member.
    var redundancy: Int {
        (topology?.links ?? []).count { isWhole($0) }
    }

    /// Whether a link works between us and every other member, as far as anyone can tell.
    func isWhole(_ link: UInt8) -> Bool {
        guard let topology, localLinks[link]?.works == true else {
            return false
        }
        return peers.values.filter { ring.contains($0.id) && $0.isInGroup }.allSatisfy {
            $0.hears(link) != false && $0.hearsUs(link, us: topology.localNode) != false
        }
    }

    /// The word for everything together.
    public var state: String {
        if isStopping {
            return "stopped"
        }
        if let lastTick, isInMaintenance(at: lastTick) {
            return "maintenance"
        }
        guard score != nil else {
            return "starting"
        }
        if health.values.contains(where: { $0.value == false }) {
            return "fault"
        }
        if verdicts.values.contains(where: { $0.faulty.isEmpty && !$0.reason.isHealthy }) {
            return "undecided"
        }
        if !alarmed.isEmpty {
            return "undecided"
        }
        if hasConfigurationMismatch {
            return "config-mismatch"
        }
        return redundancy < topology?.links.count ?? 0 ? "degraded" : "ok"
    }

    /// The verdicts in a few words.
    private var reasonText: String {
        verdicts.sorted { $0.key < $1.key }.map { link, verdict in
            let who = verdict.faulty.sorted().map(name(of:)).joined(separator: " ")
            return "\(configuration.name(ofLink: link)): \(verdict.reason.name)"
                + (who.isEmpty ? "" : ", at fault: \(who)")
        }.joined(separator: "; ")
    }

    /// What is published last: the values stay, or go when the configuration wants that.
    var attributesOfTheEnd: [NodeAttribute] {
        var own = published.filter { $0.node == nil }
        for index in own.indices {
            if configuration.deletesAtStop {
                own[index].value = nil
            } else if own[index].name == "hb-state" {
                own[index].value = "stopped"
            }
        }
        // The word for the state comes last: with it all is done.
        return own.filter { $0.name != "hb-state" } + own.filter { $0.name == "hb-state" }
    }

    /// What the lowest of us says about members whose heartbeat ended without a word and did not return.
    private func attributesOfTheLost(ownScore: Int, at now: MonotonicTime) -> [NodeAttribute] {
        guard let us = topology?.localNode, groupMembers.min() == us else {
            return []
        }
        return daemonLoss.lost(at: now, grace: configuration.daemonGrace).flatMap { id -> [NodeAttribute] in
            guard let name = topology?.nodes.first(where: { $0.id == id })?.name else {
                return []
            }
            var attributes = [NodeAttribute(name: "hb-state", value: "daemon-lost", node: name)]
            if configuration.isLossNeutral {
                // As good as the worst of us: never preferred, and nothing flees from it.
                let others = groupMembers.filter { $0 != us }.map(scoreByVerdicts)
                let worst = others.reduce(ownScore, min)
                attributes.append(NodeAttribute(name: "hb-score", value: String(worst), node: name))
            }
            return attributes
        }
    }

    private func scoreByVerdicts(of node: NodeID) -> Int {
        configuration.weight(ofHealthy: verdicts.filter { !$0.value.faulty.contains(node) }.map(\.key))
    }

    /// Makes the publisher assert everything anew: Pacemaker forgets a node's attributes when it leaves.
    mutating func publishAgain() {
        publishedAt = nil
        assertPause = Self.firstAssertInterval
    }

    /// The same, but not while Pacemaker has a lost node to fence and its services to start.
    mutating func publishAgainAfterTheRest() {
        nextAssertPause = .zero
        assertPause = Self.firstAssertInterval
    }

    /// Notes that all was published, and takes its time until the next time, twice as long.
    private mutating func noteAssertion(at now: MonotonicTime) {
        publishedAt = now
        nextAssertPause = assertPause
        assertPause = min(assertPause * 2, Self.assertInterval)
    }

    /// In maintenance only the word for it changes; Pacemaker may still need to be told everything again.
    private mutating func freeze(at now: MonotonicTime) {
        var frozen = published
        if let index = frozen.firstIndex(where: { $0.name == "hb-state" }) {
            frozen[index].value = "maintenance"
        }
        let again = publishedAt.map { now - $0 >= nextAssertPause } ?? true
        guard frozen != published || again else {
            return
        }
        published = frozen
        if again {
            noteAssertion(at: now)
        }
        effects.append(.publish(frozen, again: again))
    }

    mutating func publish(at now: MonotonicTime) {
        guard joinedAt != nil, let score, !isStopping, let topology else {
            return
        }
        var secondary: [NodeAttribute] = []
        for link in topology.links {
            let value = health[link]?.value ?? isWhole(link)
            let name = "hb-link-\(configuration.name(ofLink: link))"
            secondary.append(NodeAttribute(name: name, value: value ? "1" : "0"))
        }
        secondary.append(NodeAttribute(name: "hb-state", value: state))
        secondary.append(NodeAttribute(name: "hb-redundancy", value: String(redundancy)))
        secondary.append(NodeAttribute(name: "hb-reason", value: reasonText, isPrivate: true))
        secondary += attributesOfTheLost(ownScore: score, at: now)
        if secondary != self.secondary {
            self.secondary = secondary
            secondarySince = now
        }
        if isInMaintenance(at: now), !published.isEmpty {
            freeze(at: now)
            return
        }
        let first = scores(score)
        let isResting =
            ringShrankAt.map { now - $0 < Self.lossRest } ?? false
            || faultyChangedAt.map { now - $0 < Self.moveRest } ?? false
        let isSettled = !isResting && secondarySince.map { now - $0 >= Self.secondarySettle } ?? true
        let names = Set(first.map(\.key))
        // Who speaks for itself again is not spoken for a moment longer.
        let kept = published.filter { !names.contains($0.key) && ($0.node == nil || secondary.contains($0)) }
        let wanted = first + (isSettled ? secondary : kept)
        if !isSettled {
            // Looked at again with the next tick.
            lastLook = nil
        }
        let again = publishedAt.map { now - $0 >= nextAssertPause && !isResting } ?? true
        guard wanted != published || again else {
            return
        }
        published = wanted
        if again {
            noteAssertion(at: now)
        }
        effects.append(.publish(wanted, again: again))
    }
}
