// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension Coordinator {
    /// Attributes that only inform are published when they have been the same for so long.
    private static let secondarySettle = Duration.seconds(1)

    /// How long nothing that only informs is published after a node was lost: Pacemaker has to fence it and to start its
    /// services then, and each attribute costs it time.
    private static let lossRest = Duration.seconds(5)

    /// All attributes are asserted again after so long; Pacemaker drops equal values.
    private static let assertInterval = Duration.seconds(60)

    /// After a start or a merge sooner: Pacemaker's own daemons still exchange what they know, and may forget ours.
    static let firstAssertInterval = Duration.seconds(1)

    /// The weight of our healthy designated links: never negative, so that it cannot stop a service everywhere.
    ///
    /// Nil before the first conclusion about each of them.
    public var score: Int? {
        var sum = 0
        for (link, health) in health {
            guard let value = health.value else {
                return nil
            }
            sum += value ? configuration.weight(ofLink: link) : 0
        }
        return health.isEmpty ? nil : sum
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

    /// Makes the publisher assert everything anew: Pacemaker forgets a node's attributes when it leaves.
    mutating func publishAgain() {
        publishedAt = nil
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
        if secondary != self.secondary {
            self.secondary = secondary
            secondarySince = now
        }
        if isInMaintenance(at: now), !published.isEmpty {
            freeze(at: now)
            return
        }
        let isResting = ringShrankAt.map { now - $0 < Self.lossRest } ?? false
        let isSettled = !isResting && secondarySince.map { now - $0 >= Self.secondarySettle } ?? true
        let kept = Array(published.dropFirst())
        let wanted =
            [NodeAttribute(name: "hb-score", value: String(score))]
            + (isSettled ? secondary : kept)
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
