// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Who asks how the addresses stand; the answers differ.
    enum Question: Sendable {
        case probe
        case recurring
        case status
    }

    /// Says how the addresses stand, by one look at links and addresses.
    func monitor(_ question: Question) throws(OCFError) -> OCFExit {
        if let problem = set.unreadable {
            return try refuse(problem, question)
        }
        if isNamespaceMissing {
            // The addresses cannot be in a namespace that does not exist.
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
                log.debug("none of \(set.summary) is configured here")
                return .notRunning
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

    /// A question that cannot be answered because of a parameter: a probe must not ban the resource.
    func refuse(_ reason: String, _ question: Question) throws(OCFError) -> OCFExit {
        if question == .probe {
            log.warning(reason)
            return .notRunning
        }
        throw OCFError(.generic, reason)
    }

    func answer(_ state: AddressState, _ question: Question, of settings: AddressSettings) throws(OCFError) -> OCFExit {
        let code: OCFExit
        switch (state, question) {
        case (.usable, _): return .success
        case (.absent, _), (_, .status): return .notRunning
        // Present but unusable is for a probe a failure: with 7 nobody would stop it, and it would come back as a
        // duplicate with the link.
        case (.linkDown, .recurring): code = .notRunning
        default: code = .generic
        }
        throw OCFError(code, settings.explain(state))
    }

    /// Checks the parameters, and unless they name a namespace also the host.
    func validate() throws(OCFError) -> OCFExit {
        if let problem = set.configurationProblem ?? set.placementProblem {
            throw OCFError(.configured, problem)
        }
        if !settings.namespace.isEmpty && environment.checkLevel < 10 {
            // Level 0 does not look at the host, and only the host has the namespace.
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
                throw OCFError(any: error)
            }
        }
    }
}

extension AddressSettings {
    /// A state in words.
    func explain(_ state: AddressState) -> String {
        let name = address.map(\.description) ?? "the address"
        switch state {
        case .absent: return "\(name) is not configured here"
        case .usable: return "\(name) is running"
        case .linkDown(let link, let state):
            let word = state == .lowerLayerDown ? "LOWERLAYERDOWN" : "DOWN"
            return "\(name) is on \(link), but the link is \(word): check cable and switch"
        case .labelMissing(let link, let label): return "\(name) is on \(link), but without the label \(label)"
        case .duplicate(let link): return "\(name) is on \(link), but another host has it too (IPv6 duplicate address)"
        case .misplaced(let link, let nic):
            return "\(name) is on \(link), and \(nic), where it belongs, does not exist: was the interface renamed?"
        }
    }
}
