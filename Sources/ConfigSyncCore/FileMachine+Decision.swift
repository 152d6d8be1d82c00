// SPDX-License-Identifier: Apache-2.0

extension FileMachine {
    /// What the others have, by node, where it is what their version says.
    private var offers: [(node: NodeID, head: Head)] {
        peers.sorted { $0.key < $1.key }.compactMap { node, peer in
            let holding = peer.announcement.holding
            return holding.isClean ? holding.head.map { (node, $0) } : nil
        }
    }

    /// The newest versions that may replace what is here; more than one is a conflict between others.
    public var candidates: [Head] {
        var found: [Head] = []
        for (_, head) in offers where holding.canTake(head) && !found.contains(where: { $0.id == head.id }) {
            found.append(head)
        }
        return found.filter { one in !found.contains { $0.id != one.id && $0.includes(one.id) } }
    }

    /// Does the one thing that is due.
    mutating func advance(_ now: Moment) {
        guard job == nil else {
            return
        }
        guard !wantsInspection, now < inspectAt else {
            return inspect()
        }
        if reloadProblem != nil, now >= reloadAt {
            return run(.reload)
        }
        if now >= saveAt, let head = headToSave() {
            return run(.save(head))
        }
        guard problem == nil else {
            return
        }
        let candidates = candidates
        guard let offer = candidates.first, candidates.count == 1 else {
            wanted = nil
            assembly = nil
            received = nil
            refusal = nil
            return
        }
        obtain(offer, now)
    }

    private mutating func inspect() {
        wantsInspection = false
        var judged: Set<ContentDigest> = []
        if let content = holding.content, errors.isEmpty {
            judged.insert(content)
        }
        if let head = holding.head {
            // It was judged when it was shared or taken.
            judged.insert(head.version.content)
        }
        run(.inspect(judged: judged))
    }

    mutating func run(_ job: FileJob) {
        self.job = job
        effects.append(.run(job))
    }

    /// The version that shall be remembered as ours, when it is another one than now.
    private mutating func headToSave() -> Head? {
        guard let content = holding.content, problem == nil else {
            return nil
        }
        if let noted, noted.version.content == content, noted.id != holding.head?.id {
            return noted
        }
        noted = nil
        if let seen = settlement {
            settlement = nil
            if let head = settle(content, seen) {
                return head
            }
        }
        return adoption(of: content) ?? edit(content)
    }

    /// Our content goes on, by an operator's decision.
    private mutating func settle(_ content: ContentDigest, _ seen: [NodeID: ContentDigest]) -> Head? {
        guard let node, seen[node] == content, errors.isEmpty else {
            log(.warning, "not settled: the file is not what the operator saw, or has errors")
            return nil
        }
        // Only what the operator has seen is given up: an edit made since stays in the way.
        let others = peers.filter { seen[$0.key] == $0.value.announcement.holding.content }
        return Head.settlement(
            content,
            own: holding.head,
            others: others.values.map(\.announcement.holding),
            contents: seen.values.map { $0 },
            node: node
        )
    }

    /// A version of others that has the same bytes as our file: only the version has to be learned.
    private func adoption(of content: ContentDigest) -> Head? {
        for (_, offer) in offers where offer.version.content == content {
            guard let head = holding.head else {
                return offer
            }
            if offer.id == head.id {
                if holding.isClean, !Set(offer.ancestry).isSubset(of: head.ancestry + [head.id]),
                    head.ancestry.count < Head.ancestryLimit
                {
                    return head.united(with: offer)
                }
            } else if offer.includes(head.id) {
                return offer
            } else if holding.isClean, !head.includes(offer.id) {
                return head.united(with: offer)
            }
        }
        return nil
    }

    /// A version for what was edited here.
    private mutating func edit(_ content: ContentDigest) -> Head? {
        guard let node, errors.isEmpty, content != holding.head?.version.content else {
            return nil
        }
        guard !candidates.contains(where: { $0.settled.contains(content) }) else {
            return nil
        }
        return isSettled ? Head.edit(of: holding.head, content: content, node: node) : nil
    }

    /// Gets a version's content, or puts it in place when it is there.
    private mutating func obtain(_ offer: Head, _ now: Moment) {
        if refusal?.version != offer.id {
            refusal = nil
        }
        if let received, received.head.id == offer.id {
            guard refusal.map({ $0.version != offer.id || now >= $0.retryAt }) ?? true else {
                return
            }
            return run(
                .apply(
                    offer,
                    bytes: received.bytes,
                    expected: holding.content,
                    mode: received.mode,
                    discards: holding.content.map(offer.settled.contains) ?? false
                )
            )
        }
        if let assembly, assembly.head.id == offer.id, now - progressAt < Self.stall {
            return
        }
        if wanted?.id == offer.id, now < wantedUntil {
            return
        }
        if wanted?.id != offer.id {
            attempts = 0
        }
        let sources = offers.filter { $0.head.id == offer.id }.map(\.node)
        guard !sources.isEmpty else {
            return
        }
        assembly = nil
        received = nil
        wanted = offer
        wantedUntil = now + Self.stall
        effects.append(.send(.fetch(path: path, from: sources[attempts % sources.count], version: offer.id)))
        attempts += 1
    }

    /// Takes note of a job's end.
    mutating func finish(_ result: FileJobResult, _ now: Moment) {
        let ended = job
        job = nil
        switch (ended, result) {
        case (.inspect, .inspected(let inspection)): take(inspection, now)
        case (.save(let head), .saved(let problem)):
            if let problem {
                if saveProblem != problem {
                    log(.error, "the version cannot be remembered, so nothing is sent: \(problem)")
                }
                saveProblem = problem
                saveAt = now + Self.diskRetry
                return
            }
            saveProblem = nil
            become(head)
        case (.apply(let head, let bytes, _, let mode, _), .applied(let reload)):
            holding = Holding(head: head, content: head.version.content)
            self.bytes = bytes
            self.mode = mode
            errors = []
            received = nil
            refusal = nil
            wanted = nil
            outgoing = nil
            log(.notice, "version \(head.version) of \(name(of: head.version.node)) taken")
            note(reload: reload, now)
        case (.apply(let head, _, _, _, _), .refused(let errors)):
            refuse(head, errors.joined(separator: "\n"), now + Self.parserRetry)
        case (.apply(let head, _, _, _, _), .failed(let reason)):
            refuse(head, reason, now + Self.diskRetry)
        case (.apply, .overtaken):
            wantsInspection = true
        case (.reload, .reloaded(let problem)):
            note(reload: problem, now)
        default: break
        }
    }

    private mutating func become(_ head: Head) {
        let former = holding.head
        holding.head = head
        outgoing = nil
        noted = nil
        guard former?.id != head.id else {
            return
        }
        if head.version.node == node, head.version.parent == former?.id {
            log(.notice, "edited here: version \(head.version)\(head.settled.isEmpty ? "" : ", settles a conflict")")
        } else {
            log(.notice, "is version \(head.version) of \(name(of: head.version.node))")
        }
    }

    private mutating func note(reload: String?, _ now: Moment) {
        if let reload, reload != reloadProblem {
            log(.error, "ldirectord does not use it: \(reload)")
        } else if reload == nil, reloadProblem != nil {
            log(.notice, "ldirectord uses it now")
        }
        reloadProblem = reload
        reloadAt = now + Self.diskRetry
    }

    private mutating func refuse(_ head: Head, _ reason: String, _ retryAt: Moment) {
        if refusal?.version != head.id || refusal?.reason != reason {
            log(.error, "version \(head.version) of \(name(of: head.version.node)) refused: \(reason)")
        }
        refusal = Refusal(version: head.id, reason: reason, retryAt: retryAt)
    }

    private mutating func take(_ inspection: Inspection, _ now: Moment) {
        isInspected = true
        inspectAt = now + (inspection.isSettled ? Self.inspectionInterval : .seconds(1))
        if inspection.problem != nil, problem != inspection.problem {
            log(.error, inspection.problem ?? "")
        }
        problem = inspection.problem
        if let content = inspection.content, problem == nil {
            holding.content = ContentDigest(of: content)
            bytes = content
        } else {
            // What cannot be read is not taken for missing: nothing may replace it.
            if problem == nil {
                if holding.content != nil {
                    log(.warning, "was deleted here: a deletion is not copied, the file comes back from the others")
                }
                holding.content = nil
            }
            bytes = []
        }
        mode = inspection.mode
        // Who asks for it to be sent has seen it whole.
        isSettled = inspection.isSettled || isTrusted
        isTrusted = false
        if errors != inspection.errors, !inspection.errors.isEmpty {
            log(.warning, "has errors and is not sent: \(inspection.errors.joined(separator: "; "))")
        }
        errors = inspection.errors
    }
}
