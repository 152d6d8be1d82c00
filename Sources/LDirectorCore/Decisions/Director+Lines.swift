// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig
import LinuxKit

extension Director {
    /// The event line of a change; action words and order are those that log scrapers know.
    func line(for change: TableChange, current table: [ServiceEntry], transition: Bool) -> String {
        let virtualName = virtuals[change.serviceKey]?.name ?? Self.plainName(change.serviceKey)
        switch change {
        case .addService: return "Added virtual server: \(virtualName)"
        case .editService: return "Changed virtual server: \(virtualName)"
        case .removeService: return "Purged virtual server: \(virtualName)"
        case .addDestination(let destination, let key):
            let word = destination.weight == 0 && transition ? "Readd Quiescent" : "Added"
            return line(word, destination.key, key, weight: destination.weight)
        case .editDestination(let destination, let key):
            let old = table.first { $0.service.key == key }?.destinations.first { $0.key == destination.key }
            let word: String
            switch (old?.weight ?? 0, destination.weight) {
            case (1..., 0): word = "Quiescent"
            case (0, 1...): word = "Restored"
            default: word = "Changed"
            }
            return line(word, destination.key, key, weight: destination.weight)
        case .removeDestination(let destination, let key):
            let isConfigured =
                states[ServerID(key, destination)] != nil || virtuals[key]?.fallback?.key == destination
            return line(isConfigured ? "Deleted" : "Purged", destination, key, weight: nil)
        }
    }

    private func line(
        _ word: String,
        _ destination: Destination.Key,
        _ key: VirtualServiceKey,
        weight: Int?
    ) -> String {
        let virtual = virtuals[key]
        let real = virtual?.realServers.first { $0.key == destination }
        let kind = real == nil && virtual?.fallback?.key == destination ? "fallback" : "real"
        var text = "\(word) \(kind) server: \(real?.name ?? "\(destination)") (\(virtual?.name ?? Self.plainName(key)))"
        if let weight {
            text += " (Weight set to \(weight))"
        }
        if let state = states[ServerID(key, destination)], kind == "real" {
            text += ": \(state.reason)"
        } else if kind == "fallback" {
            text += weight == nil ? ": a real server is up" : ": no real server is up"
        }
        return text
    }

    /// A service that is configured no more.
    private static func plainName(_ key: VirtualServiceKey) -> String {
        switch key {
        case .address(_, let address, let port): "\(address.bracketed):\(port)"
        case .firewallMark(let mark, _): String(mark)
        }
    }

    /// The event line of a transition that the table does not show (soft failures), or nil.
    func line(for transition: Transition) -> String? {
        guard let virtual = virtuals[transition.server.service],
            let real = virtual.realServers.first(where: { $0.key == transition.server.destination })
        else {
            return nil
        }
        let place = "real server: \(real.name) (\(virtual.name))"
        switch transition.kind {
        case .softFailure(let count, let limit): return "Soft failure \(count)/\(limit) \(place): \(transition.reason)"
        case .reset(let failures):
            return "Resetting soft failure count after \(failures), \(place): \(transition.reason)"
        case .rising(let count, let limit): return "Recovering \(count)/\(limit) \(place): \(transition.reason)"
        case .warmingUp(let time):
            return "Warming up for \(time.components.seconds) s \(place): \(transition.reason)"
        case .retained(let percent):
            return
                "Keeping in use failed \(place), more than \(percent) % of the servers would be out: \(transition.reason)"
        case .up, .down, .weight, .drained: return nil
        }
    }
}
