// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Who asks how the address stands; the answers differ.
    enum Question: Sendable {
        case probe
        case recurring
        case status
    }

    func monitor(_ question: Question) throws(OCFError) -> OCFExit {
        guard let address = settings.address else {
            return try refuse(settings.placementProblem ?? "ip is not an address", question)
        }
        let isMissing = !settings.namespace.isEmpty && access("/run/netns/\(settings.namespace)", F_OK) != 0
        if isMissing {
            // The address cannot be in a namespace that does not exist.
            return .notRunning
        }
        return try withNetwork { (socket) throws(OCFError) in
            let view: NetworkView
            do throws(NetlinkError) {
                view = try NetworkView.read(socket, address.family)
            } catch {
                throw OCFError(error)
            }
            let holders = view.holders(settings)
            let state = AddressState.judge(holders, settings)
            log.debug("\(view.links.count) links, \(view.addresses.count) addresses: \(settings.explain(state))")
            if state == .absent && !settings.nic.isEmpty && settings.prefix == nil
                && view.link(named: settings.nic) == nil
            {
                return try refuse("interface nic=\"\(settings.nic)\" does not exist here", question)
            }
            let code = try answer(state, question, of: settings)
            if code == .success && settings.refreshCount > 0 && question != .status, let holder = holders.first {
                announce([holder], rounds: settings.refreshCount)
            }
            return code
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

    func validate() throws(OCFError) -> OCFExit {
        if let problem = settings.otherProblem {
            throw OCFError(.configured, problem)
        }
        guard let address = settings.address, settings.placementProblem == nil else {
            throw OCFError(.configured, settings.placementProblem ?? "ip is not an address")
        }
        if !settings.namespace.isEmpty && environment.checkLevel < 10 {
            // Level 0 does not look at the host, and only the host has the namespace.
            return .success
        }
        return try withNetwork { (socket) throws(OCFError) in
            do {
                let view = try NetworkView.read(socket, address.family, routes: true)
                _ = try Placement.derive(settings, view).label(settings)
                return .success
            } catch let error as OCFError {
                throw error
            } catch let error as NetlinkError {
                throw OCFError(error)
            } catch {
                throw OCFError(.generic, "\(error)")
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
        }
    }
}
