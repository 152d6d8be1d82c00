// SPDX-License-Identifier: Apache-2.0

extension FileMachine {
    /// Two directors with edits of which neither may overwrite the other.
    public struct Conflict: Hashable, Sendable {
        /// The one.
        public let first: NodeID
        /// The other.
        public let second: NodeID
        /// One line for people.
        public let text: String
    }

    /// All conflicts that concern us, or keep us from taking a version.
    public var conflicts: [Conflict] {
        guard let node else {
            return []
        }
        var found: [Conflict] = []
        for (peer, state) in peers.sorted(by: { $0.key < $1.key })
        where Standing(of: holding, to: state.announcement.holding) == .diverged {
            let text =
                "\(name) has \(describe(holding, errors)), \(name(of: peer)) has "
                + describe(state.announcement.holding, state.announcement.problem.isEmpty ? [] : ["x"])
            found.append(Conflict(first: node, second: peer, text: text))
        }
        let torn = candidates
        if found.isEmpty, torn.count > 1 {
            let owners = torn.compactMap { head in
                peers.filter { $0.value.announcement.holding.head?.id == head.id }.keys.min()
            }
            let text = zip(owners, torn).map {
                "\(name(of: $0)) has version \($1.version) of \(name(of: $1.version.node))"
            }
            if owners.count > 1 {
                found.append(
                    Conflict(first: owners[0], second: owners[1], text: text.joined(separator: ", "))
                )
            }
        }
        return found
    }

    /// What settles a conflict.
    public static let advice = "settle it with: vervet config take NODE"

    private func describe(_ holding: Holding, _ errors: [String]) -> String {
        guard holding.isClean, let head = holding.head else {
            return holding.content == nil
                ? "no file"
                : errors.isEmpty ? "an edit that is not sent yet" : "an edit that is not sent, for it has errors"
        }
        return "version \(head.version) of \(name(of: head.version.node))"
    }

    /// Logs a conflict when it begins and when it is over.
    mutating func watchConflicts() {
        guard separation == nil, job == nil, !wantsInspection else {
            return
        }
        let now = Set(conflicts.map(\.text))
        for text in now.subtracting(said).sorted() {
            log(.error, "CONFLICT: \(text); nothing is overwritten; \(Self.advice)")
        }
        if now.isEmpty, !said.isEmpty {
            log(.notice, "the conflict is over")
        }
        said = now
    }

    /// An operator's decision: what cannot be done is said at once.
    mutating func order(_ token: UInt64, _ chosen: NodeID, _ now: Moment) {
        func refuse(_ text: String) {
            effects.append(.answer(token: token, Verdict(.incomplete, text)))
        }
        guard separation == nil, let node else {
            return refuse("the cluster is out of reach: \(separation ?? "")")
        }
        guard chosen == node || members.contains(chosen) else {
            return refuse("\(name(of: chosen)) is not there: the version of a director that is off cannot be taken")
        }
        let state = chosen == node ? announcement : peers[chosen]?.announcement
        guard let state, state.holding.content != nil else {
            return refuse("\(name(of: chosen)) has no such file")
        }
        guard state.problem.isEmpty else {
            return refuse("the file on \(name(of: chosen)) cannot be taken: \(state.problem)")
        }
        var seen = peers.compactMapValues(\.announcement.holding.content)
        seen[node] = holding.content
        let heads = Set(([holding] + peers.values.map(\.announcement.holding)).map { $0.isClean ? $0.head?.id : nil })
        guard heads.count > 1 || heads.contains(nil) else {
            return effects.append(.answer(token: token, Verdict(.everywhere, "there is nothing to settle")))
        }
        effects.append(.send(.take(path: path, node: chosen, seen: seen)))
        waiters.append(Waiter(token: token, kind: .take(chosen), since: now))
    }

    /// Answers those whose question is decided, or whose time is over.
    mutating func answerWaiters(_ now: Moment) {
        guard !waiters.isEmpty, job == nil, !wantsInspection else {
            return
        }
        var left: [Waiter] = []
        for waiter in waiters {
            if let verdict = verdict(for: waiter, isOver: now - waiter.since >= Self.patience, now) {
                effects.append(.answer(token: waiter.token, verdict))
            } else {
                left.append(waiter)
            }
        }
        waiters = left
    }

    private func verdict(for waiter: Waiter, isOver: Bool, _ now: Moment) -> Verdict? {
        // A decision may replace the very file that has errors.
        if let obstacle, isOver || waiter.kind == .publish {
            return obstacle
        }
        if let separation {
            guard let head = holding.head, holding.isClean else {
                return Verdict(.incomplete, "not sent: \(separation)")
            }
            return Verdict(.incomplete, "version \(head.version) is sent when the cluster is in reach: \(separation)")
        }
        let found = conflicts
        if case .publish = waiter.kind, !found.isEmpty {
            return Verdict(.conflict, "conflict: \(found.map(\.text).joined(separator: "; ")); \(Self.advice)")
        }
        guard let head = holding.head, holding.isClean, candidates.isEmpty, found.isEmpty else {
            return isOver ? Verdict(.incomplete, unfinished(found)) : nil
        }
        var lines: [String] = []
        var isComplete = true
        for member in members.sorted() {
            switch progress(of: member, head, now) {
            case .done(let text): lines.append(text)
            case .failed(let text):
                isComplete = false
                lines.append(text)
            case .pending(let text):
                guard isOver else {
                    return nil
                }
                isComplete = false
                lines.append(text)
            }
        }
        if let reloadProblem {
            isComplete = false
            lines.append("ldirectord here does not use it: \(reloadProblem)")
        }
        if members.isEmpty {
            lines.append("no other director is there; they get it when they come")
        }
        let title = "version \(head.version) of \(name(of: head.version.node))"
        return Verdict(isComplete ? .everywhere : .incomplete, ([title] + lines).joined(separator: "\n"))
    }

    private func unfinished(_ found: [Conflict]) -> String {
        found.isEmpty
            ? "not taken in time: \(refusal?.reason ?? "another director is still sending")"
            : "not settled in time: \(found.map(\.text).joined(separator: "; "))"
    }

    /// What keeps the file from being sent at all.
    private var obstacle: Verdict? {
        if let problem {
            return Verdict(.incomplete, problem)
        }
        if !errors.isEmpty {
            return Verdict(.invalid, (["the file has errors and is not sent"] + errors).joined(separator: "\n"))
        }
        if holding.content == nil {
            return Verdict(.incomplete, "there is no such file here")
        }
        if let saveProblem {
            return Verdict(.incomplete, "the version cannot be remembered, so it is not sent: \(saveProblem)")
        }
        return nil
    }

    private enum Progress {
        case done(String)
        case failed(String)
        case pending(String)
    }

    private func progress(of member: NodeID, _ head: Head, _ now: Moment) -> Progress {
        guard let state = peers[member]?.announcement else {
            let text = "\(name(of: member)): says nothing about this file; does it keep it?"
            return now < silentUntil ? .pending(text) : .failed(text)
        }
        if state.refused == head.id {
            return .failed("\(state.name): refused: \(state.refusal)")
        }
        guard Standing(of: holding, to: state.holding) == .level else {
            return .pending("\(state.name): not taken in time")
        }
        return state.reload.isEmpty
            ? .done("\(state.name): has it")
            : .failed("\(state.name): has it, but ldirectord does not use it: \(state.reload)")
    }
}
