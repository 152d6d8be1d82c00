// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension Coordinator {
    /// How long after a change of the ring the others' fresh views are waited for.
    private static let mergeGrace = Duration.seconds(3)

    /// Own messages that stay away longer than this mean that the group stalls.
    private static let stallLimit = Duration.seconds(1)

    /// Whether our own messages do not come back.
    func isStalled(at now: MonotonicTime) -> Bool {
        unconfirmed.first.map { now - $0.sentAt > Self.stallLimit } ?? false
    }

    /// Whether we were away until a moment ago.
    func isLate(at now: MonotonicTime) -> Bool { lateUntil.map { now < $0 } ?? false }

    /// Whether the ring has changed and not everybody has spoken since.
    func isMerging(at now: MonotonicTime) -> Bool {
        guard let ringChangedAt, now - ringChangedAt < Self.mergeGrace else {
            return false
        }
        return peers.values.contains { $0.isInGroup && $0.owesView }
    }

    /// Our own evidence about a link.
    func ownEvidence(_ link: UInt8) -> LinkEvidence {
        let local = localLinks[link]
        let nodes = pingNodes(link)
        var evidence = LinkEvidence(
            node: topology?.localNode ?? 0,
            hasCarrier: configuration.uses(.carrier) ? local?.works ?? false : true,
            pingTotal: nodes.total,
            pingAlive: nodes.alive,
            receives: local?.receives ?? true
        )
        for peer in peers.values where ring.contains(peer.id) {
            evidence.hears[peer.id] = peer.hears(link)
        }
        return evidence
    }

    /// The members whose view can be used, and how many cannot.
    private func views(_ link: UInt8, at now: MonotonicTime) -> (known: [LinkEvidence], silent: Int) {
        guard let topology else {
            return ([], 0)
        }
        var known = [ownEvidence(link)]
        var silent = 0
        let limit = isStalled(at: now) ? Self.stallLimit : timers.viewLimit
        for peer in peers.values where ring.contains(peer.id) {
            let flags = GroupMessage.Flags(rawValue: peer.view?.flags.rawValue ?? 0)
            let isAway = flags.contains(.selfLate)
            if peer.isInGroup, !isAway, let word = peer.lastWord, now - word <= limit,
                let evidence = peer.evidence(link, us: topology.localNode)
            {
                known.append(evidence)
            } else {
                silent += 1
            }
        }
        return (known, silent)
    }

    /// Concludes for every designated link who is at fault, and from that our own published health.
    mutating func decide(at now: MonotonicTime) {
        guard topology != nil, !localLinks.isEmpty else {
            return
        }
        for link in health.keys.sorted() {
            let own = ownEvidence(link)
            let (known, silent) = views(link, at: now)
            var verdict = LinkDecision.verdict(
                known,
                silent: silent,
                pingDelta: configuration.pingDelta,
                policy: configuration.policy
            )
            if verdict.reason == .solo {
                let dead = pingsDeadFor(link, at: now)
                verdict = LinkDecision.solo(own, pingsDeadFor: dead, confirm: timers.soloConfirm)
            }
            note(verdict, link, at: now)
            if let forced = forcedHealth(at: now) {
                health[link]?.force(forced, at: now)
                continue
            }
            let isHealthy = conclusion(own, verdict, link, at: now)
            let patience = timers.patience(with: verdict.reason, policy: configuration.policy)
            health[link]?.conclude(isHealthy, patience: patience, at: now)
        }
    }

    /// What may be concluded about ourselves now; nil leaves everything as it is.
    private func conclusion(
        _ own: LinkEvidence,
        _ verdict: LinkVerdict,
        _ link: UInt8,
        at now: MonotonicTime
    ) -> Bool? {
        guard let joinedAt, !isLate(at: now), !isStopping else {
            return nil
        }
        let isImmediate = verdict.reason.isImmediate
        if isMerging(at: now), !isImmediate {
            return nil
        }
        let isHealthy = LinkDecision.health(of: own, verdict)
        if isHealthy == false {
            return isImmediate || now - startedAt >= timers.initdead ? false : nil
        }
        if health[link]?.value == nil {
            // The first publication: at once with something that speaks for us, else when silence means something.
            let isProven = own.reachesTargets || own.hears.values.contains(true)
            return isProven || now - joinedAt >= timers.deadtime ? true : nil
        }
        if isHealthy == true, health[link]?.value == false, losesTooMuch(link, at: now) {
            // A ping that gets through now and then does not make a link good that loses half of everything.
            return nil
        }
        return isHealthy
    }

    private func pingsDeadFor(_ link: UInt8, at now: MonotonicTime) -> Duration? {
        let targets = (pings[link] ?? [:]).values
        guard !targets.isEmpty, targets.contains(where: \.everAnswered), !targets.contains(where: \.isAlive) else {
            return nil
        }
        return targets.map { now - $0.since }.min()
    }

    private mutating func note(_ verdict: LinkVerdict, _ link: UInt8, at now: MonotonicTime) {
        guard verdicts[link] != verdict else {
            return
        }
        if let old = verdicts[link], old.faulty != verdict.faulty {
            faultyChangedAt = now
        }
        let isFirst = verdicts[link] == nil
        verdicts[link] = verdict
        verdictSince[link] = now
        let who = verdict.faulty.sorted().map(name(of:)).joined(separator: ", ")
        let text =
            "link \(configuration.name(ofLink: link)): \(verdict.reason.name), "
            + (who.isEmpty ? "nobody at fault" : "at fault: \(who)")
        log(isFirst || verdict.reason.isHealthy ? .info : .notice, text + inputs(link, at: now))
    }

    /// What the verdict came from, for the log and for "explain".
    func inputs(_ link: UInt8, at now: MonotonicTime) -> String {
        let views = views(link, at: now).known.sorted { $0.node < $1.node }
        let texts = views.map { view in
            let heard = view.hears.sorted { $0.key < $1.key }
                .map { "\(name(of: $0.key)) \($0.value ? "yes" : "no")" }.joined(separator: " ")
            return "\(name(of: view.node)): carrier \(view.hasCarrier ? "yes" : "no"), hears \(heard), "
                + "pings \(view.pingAlive)/\(view.pingTotal)\(view.receives ? "" : ", receives nothing")"
        }
        return " (\(texts.joined(separator: "; ")))"
    }
}
