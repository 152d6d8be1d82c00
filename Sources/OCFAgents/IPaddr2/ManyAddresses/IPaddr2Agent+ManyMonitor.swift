// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Runs an action on a set of addresses.
    func run(_ action: AgentAction, _ set: AddressSet) throws(OCFError) -> OCFExit {
        switch action {
        case .start: return try start(set)
        case .stop: return try stop(set)
        case .monitor: return try monitor(set, environment.isProbe ? .probe : .recurring)
        case .status: return try monitor(set, .status)
        case .validateAll: return try validate(set)
        case .reloadAgent:
            if let problem = set.problem {
                throw OCFError(.configured, problem)
            }
            return try reload(set.members)
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    /// Where the addresses are noted that came from a file.
    var setMemory: AddressSetMemory { AddressSetMemory(path: announcerFile.path + ".ips") }

    private func monitor(_ set: AddressSet, _ question: Question) throws(OCFError) -> OCFExit {
        if let problem = set.problem ?? set.members.lazy.compactMap(\.placementProblem).first {
            return try refuse(problem, question)
        }
        if isNamespaceMissing {
            return .notRunning
        }
        return try withNetwork { (socket) throws(OCFError) in
            let view: AddressSetView
            do throws(NetlinkError) {
                view = try AddressSetView.read(socket, set.members)
            } catch {
                throw OCFError(error)
            }
            switch view.state {
            case .absent:
                for member in set.members
                where !member.nic.isEmpty && member.prefix == nil && view.whole.link(named: member.nic) == nil {
                    return try refuse("interface nic=\"\(member.nic)\" does not exist here", question)
                }
                throw OCFError(.notRunning, "none of \(set.summary) is configured here")
            case .partial(let missing):
                // Also for a probe a failure: what is here has to be stopped before the set starts elsewhere.
                throw OCFError(question == .status ? .notRunning : .generic, set.explain(missing: missing))
            case .troubled(let number): return try answer(view.states[number], question, of: set.members[number])
            case .usable:
                if settings.refreshCount > 0 && question != .status {
                    announce(view.holders.compactMap(\.first), rounds: settings.refreshCount)
                }
                return .success
            }
        }
    }

    private func validate(_ set: AddressSet) throws(OCFError) -> OCFExit {
        if let problem = set.refusal {
            throw OCFError(.configured, problem)
        }
        if !settings.namespace.isEmpty && environment.checkLevel < 10 {
            return .success
        }
        return try withNetwork { (socket) throws(OCFError) in
            do {
                let view = try AddressSetView.read(socket, set.members, routes: true)
                for (member, placement) in zip(set.members, try Placement.derive(set.members, view.whole)) {
                    _ = try placement.label(member)
                }
                return .success
            } catch {
                throw Self.failure(error)
            }
        }
    }

    /// Whether the namespace of the resource does not exist, so that no address can be in it.
    var isNamespaceMissing: Bool {
        !settings.namespace.isEmpty && access("/run/netns/\(settings.namespace)", F_OK) != 0
    }

    /// Any error as the failure of an action.
    static func failure(_ error: any Error) -> OCFError {
        switch error {
        case let error as OCFError: error
        case let error as NetlinkError: OCFError(error)
        case let error as SystemError: OCFError(error)
        default: OCFError(.generic, "\(error)")
        }
    }
}

extension AddressSet {
    /// Why start and validate-all refuse the parameters; nil when they are all right.
    var refusal: String? {
        problem ?? members.lazy.compactMap(\.placementProblem).first ?? members.lazy.compactMap(\.otherProblem).first
    }

    /// Which members are missing, the first few by name.
    func explain(missing: [Int]) -> String {
        let names = missing.prefix(3).compactMap { members[$0].address.map(\.description) }.joined(separator: ", ")
        return "\(missing.count) of \(members.count) addresses are not configured here: \(names)"
            + (missing.count > 3 ? ", …" : "")
    }
}
