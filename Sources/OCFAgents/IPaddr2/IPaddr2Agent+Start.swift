// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Netlink

extension IPaddr2Agent {
    /// Brings up what is missing, all or nothing, and announces what this call added.
    func start() throws(OCFError) -> OCFExit {
        settings.remarks.forEach(log.warning)
        if let problem = set.placementProblem {
            // As in the reference, a start that cannot place the address tells the node, not the whole cluster.
            throw OCFError(.installed, problem)
        }
        return try withNetwork { (socket) throws(OCFError) in
            do {
                return try start(socket)
            } catch {
                throw OCFError(any: error)
            }
        }
    }

    private func start(_ socket: borrowing NetlinkSocket) throws -> OCFExit {
        let view = try AddressSetView.read(socket, set.members, routes: true)
        let placements: [Placement]
        do {
            placements = try Placement.derive(set.members, view.whole)
        } catch {
            if view.state == .usable && set.members.allSatisfy(\.nic.isEmpty) {
                log.warning("\(set.summary) runs already, but could not be placed anew: \(error.reason)")
                return .success
            }
            throw error.with(.installed)
        }
        let labels = try zip(placements, set.members).map { try $0.label($1) }
        if let problem = set.configurationProblem {
            throw OCFError(.configured, problem)
        }
        let missing = try missing(view, placements)
        let links = Self.links(of: placements)
        guard !missing.numbers.isEmpty else {
            if missing.isRestUsable {
                return .success
            }
            try setUp(links, socket)
            if let problem = try settle(set.members, on: placements.map(\.link.index), socket) {
                throw problem.with(.installed)
            }
            return .success
        }
        if missing.numbers.count < set.members.count {
            log.warning(set.explain(missing: missing.numbers) + "; adding them")
        }
        let wanted = missing.numbers.map { number in
            let (member, placement) = (set.members[number], placements[number])
            return AddressHolder(link: placement.link, address: member.wish(placement, labels[number]))
        }
        try probe(wanted, links, socket)
        try bringUp(wanted, placements, links, view.whole, isRestUsable: missing.isRestUsable, socket)
        announce(wanted, rounds: settings.announcementCount)
        return .success
    }

    /// The numbers of the members that are not where they belong, and whether the others are usable there.
    ///
    /// Only the copy on the interface of its own counts; others are left alone.
    private func missing(
        _ view: AddressSetView,
        _ placements: [Placement]
    ) throws(OCFError) -> (numbers: [Int], isRestUsable: Bool) {
        var missing: [Int] = []
        var isRestUsable = true
        for (number, member) in set.members.enumerated() {
            let ours = view.holders[number].filter { $0.link.index == placements[number].link.index }
            for holder in ours where holder.address.prefixLength != placements[number].prefix {
                let name = "\(holder.address.address)/\(holder.address.prefixLength)"
                log.warning("\(name) is on \(holder.link.name) already and is taken over")
            }
            for holder in view.holders[number] where holder.link.index != placements[number].link.index {
                log.warning("\(holder.address.address) is also on \(holder.link.name)")
            }
            switch AddressState.judge(ours, member) {
            case .absent: missing.append(number)
            case .usable: break
            case .linkDown: isRestUsable = false
            case let state: throw OCFError(.generic, member.explain(state))
            }
        }
        return (missing, isRestUsable)
    }

    /// The interfaces of the set, each once.
    private static func links(of placements: [Placement]) -> [NetworkLink] {
        var seen = Set<Int32>()
        return placements.map(\.link).filter { seen.insert($0.index).inserted }
    }

    func setUp(_ links: [NetworkLink], _ socket: borrowing NetlinkSocket) throws(NetlinkError) {
        for link in links where !link.isUp {
            try socket.setUp(interfaceIndex: link.index)
        }
    }

    /// Asks the links for other owners of the IPv4 addresses, all at once.
    private func probe(
        _ wanted: [AddressHolder],
        _ links: [NetworkLink],
        _ socket: borrowing NetlinkSocket
    ) throws {
        guard settings.probesFirst else {
            return
        }
        let questions = links.compactMap { link -> CollisionProbe.Question? in
            let addresses = wanted.filter { $0.link.index == link.index }.map(\.address.address)
                .filter { $0.family == .ipv4 }
            return addresses.isEmpty
                ? nil : link.announcingDevice(.ipv4).map { .init(device: $0, addresses: addresses) }
        }
        guard !questions.isEmpty else {
            return
        }
        // A link that is not up loses the probes.
        try setUp(links, socket)
        try awaitLinks(links, socket)
        if let collision = try CollisionProbe.run(questions) {
            throw OCFError(settings.collisionExit, collision.reason)
        }
    }
}

extension AddressSettings {
    /// The address as the kernel is to have it.
    ///
    /// - Precondition: There is an address.
    func wish(_ placement: Placement, _ label: String?) -> InterfaceAddress {
        let address = address ?? IPAddress(ipv4: 0x7f00_0001)
        let isIPv4 = address.family == .ipv4
        var flags: InterfaceAddress.Flags = skipsPrefixRoute ? .noPrefixRoute : []
        if !isIPv4 && skipsDuplicateDetection {
            flags.insert(.noDuplicateDetection)
        }
        return InterfaceAddress(
            interfaceIndex: placement.link.index,
            address: address,
            prefixLength: placement.prefix,
            broadcast: placement.broadcast,
            label: isIPv4 ? label ?? placement.link.name : nil,
            scope: isIPv4 && address.isLoopback ? .host : .global,
            flags: flags,
            preferredSeconds: preferredSeconds,
            metric: placement.metric
        )
    }
}
