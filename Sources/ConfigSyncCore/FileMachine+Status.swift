// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

extension FileMachine {
    /// How the file stands, in one word.
    public enum Condition: String, Sendable {
        /// The same on every director that is there.
        case synchronised
        /// On the way, here or elsewhere.
        case synchronising
        /// The cluster is out of reach.
        case separated
        /// Somebody has to decide.
        case conflict
        /// The file here, or its disk, has to be mended.
        case problem
        /// A version is not taken, here or elsewhere.
        case refused
        /// The version is there, but not in use, here or elsewhere.
        case unused = "not-in-use"
        /// Nobody has it.
        case missing
    }

    /// How the file stands.
    public var condition: Condition {
        if problem != nil || !errors.isEmpty || saveProblem != nil {
            return .problem
        }
        if separation != nil {
            return .separated
        }
        if !conflicts.isEmpty {
            return .conflict
        }
        let others = peers.values.map(\.announcement)
        if refusal != nil || others.contains(where: { $0.refused != nil && $0.refused == holding.head?.id }) {
            return .refused
        }
        if others.contains(where: { !$0.problem.isEmpty }) {
            return .problem
        }
        guard holding.content != nil || !candidates.isEmpty else {
            return .missing
        }
        guard holding.isClean, others.allSatisfy({ Standing(of: holding, to: $0.holding) == .level }) else {
            return .synchronising
        }
        return reloadProblem != nil || others.contains { !$0.reload.isEmpty } ? .unused : .synchronised
    }

    /// A few lines for an operator.
    public var statusText: String {
        var lines = ["\(path): \(condition.rawValue)"]
        lines.append("  \(name): \(versionText(holding)) (this director)")
        let own = announcement
        lines += details(own, refusedHere: refusal != nil)
        for (node, peer) in peers.sorted(by: { $0.key < $1.key }) {
            let state = peer.announcement
            lines.append("  \(name(of: node)): \(versionText(state.holding))")
            lines += details(state, refusedHere: state.refused != nil)
        }
        for member in members.subtracting(peers.keys).sorted() {
            lines.append("  \(name(of: member)): says nothing about this file")
        }
        if let separation {
            lines.append("  the cluster is out of reach: \(separation)")
        }
        for conflict in conflicts {
            lines.append("  CONFLICT: \(conflict.text)")
        }
        if !conflicts.isEmpty {
            lines.append("  nothing is overwritten; \(Self.advice)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func versionText(_ holding: Holding) -> String {
        guard let head = holding.head else {
            return holding.content.map { "no version yet (\($0.short))" } ?? "no file yet"
        }
        let version = "version \(head.version) of \(name(of: head.version.node))"
        if holding.isClean {
            return version
        }
        return version + (holding.content.map { ", on the disk \($0.short)" } ?? ", the file is missing")
    }

    private func details(_ state: Announcement, refusedHere: Bool) -> [String] {
        var lines: [String] = []
        if !state.problem.isEmpty {
            lines.append("    not sent: " + indented(state.problem))
        }
        if refusedHere, !state.refusal.isEmpty {
            lines.append("    refused: " + indented(state.refusal))
        }
        if !state.reload.isEmpty {
            lines.append("    ldirectord does not use it: " + indented(state.reload))
        }
        return lines
    }

    private func indented(_ text: String) -> String {
        text.split(separator: "\n").joined(separator: "\n      ")
    }

    /// The same for programs.
    public var statusValue: JSONValue {
        let others = peers.sorted { $0.key < $1.key }.map { node, peer in
            directorValue(node, peer.announcement)
        }
        return .object([
            ("path", .string(path)),
            ("condition", .string(condition.rawValue)),
            ("directors", .array([directorValue(node ?? 0, announcement)] + others)),
            ("silent", .array(members.subtracting(peers.keys).sorted().map { .number(Int($0)) })),
            ("conflicts", .array(conflicts.map { .string($0.text) })),
        ])
    }

    private func directorValue(_ node: NodeID, _ state: Announcement) -> JSONValue {
        let version = state.holding.head?.version
        return .object([
            ("node", .string(state.name)),
            ("nodeid", .number(Int(node))),
            ("version", .optional(version.map { Int(clamping: $0.number) })),
            ("edited_on", .optional(version.map { name(of: $0.node) })),
            ("version_sha256", .optional(version?.content.description)),
            ("file_sha256", .optional(state.holding.content?.description)),
            ("problem", .optional(state.problem.isEmpty ? nil : state.problem)),
            ("refused", .optional(state.refusal.isEmpty ? nil : state.refusal)),
            ("reload", .optional(state.reload.isEmpty ? nil : state.reload)),
        ])
    }
}
