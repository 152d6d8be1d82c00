// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

extension IPaddr2Agent {
    /// Brings up what is missing of a set, all or nothing, and announces what this call added.
    func start(_ set: AddressSet) throws(OCFError) -> OCFExit {
        settings.remarks.forEach(log.warning)
        if let problem = set.problem ?? set.members.lazy.compactMap(\.placementProblem).first {
            throw OCFError(.installed, problem)
        }
        return try withNetwork { (socket) throws(OCFError) in
            do {
                return try start(set, socket)
            } catch {
                throw Self.failure(error)
            }
        }
    }

    private func start(_ set: AddressSet, _ socket: borrowing NetlinkSocket) throws -> OCFExit {
        let view = try AddressSetView.read(socket, set.members, routes: true)
        let placements: [Placement]
        do {
            placements = try Placement.derive(set.members, view.whole)
        } catch {
            if view.state == .usable && set.members.allSatisfy(\.nic.isEmpty) {
                log.warning("\(set.summary) run already, but could not be placed anew: \(error.reason)")
                return .success
            }
            throw error.with(.installed)
        }
        let labels = try zip(placements, set.members).map { try $0.label($1) }
        if let problem = set.members.lazy.compactMap(\.otherProblem).first {
            throw OCFError(.configured, problem)
        }
        // Only the copy on the interface of its own counts; others are left alone, as with one address.
        var missing: [Int] = []
        for (number, member) in set.members.enumerated() {
            let ours = view.holders[number].filter { $0.link.index == placements[number].link.index }
            switch AddressState.judge(ours, member) {
            case .absent: missing.append(number)
            case .usable, .linkDown: break
            case let state: throw OCFError(.generic, member.explain(state))
            }
        }
        let links = Self.links(of: placements)
        if missing.isEmpty {
            try setUp(links, socket)
            if let problem = try settle(set, placements, socket) {
                throw problem.with(.installed)
            }
            return .success
        }
        if missing.count < set.members.count {
            log.warning(set.explain(missing: missing) + "; adding them")
        }
        try probe(missing, set, placements, links, socket)
        let wanted = missing.map { number in
            wish(set.members[number], placements[number], labels[number])
        }
        try bringUp(wanted, set, placements, links, view.whole, socket)
        let holders = missing.compactMap { number -> AddressHolder? in
            AddressHolder(link: placements[number].link, address: wish(set.members[number], placements[number], nil))
        }
        announce(holders, rounds: settings.announcementCount)
        return .success
    }

    /// The interfaces of the set, each once.
    private static func links(of placements: [Placement]) -> [NetworkLink] {
        var seen = Set<Int32>()
        return placements.map(\.link).filter { seen.insert($0.index).inserted }
    }

    private func setUp(_ links: [NetworkLink], _ socket: borrowing NetlinkSocket) throws(NetlinkError) {
        for link in links where !link.isUp {
            try socket.setUp(interfaceIndex: link.index)
        }
    }

    /// Asks the links for other owners of the IPv4 addresses, all at once.
    private func probe(
        _ missing: [Int],
        _ set: AddressSet,
        _ placements: [Placement],
        _ links: [NetworkLink],
        _ socket: borrowing NetlinkSocket
    ) throws {
        guard settings.probesFirst else {
            return
        }
        var questions: [CollisionProbe.Question] = []
        for link in links where !link.isWithoutARP {
            let addresses = missing.filter { placements[$0].link.index == link.index }
                .compactMap { set.members[$0].address }.filter { $0.family == .ipv4 }
            if let device = link.announcingDevice(.ipv4), !addresses.isEmpty {
                questions.append(CollisionProbe.Question(device: device, addresses: addresses))
            }
        }
        guard !questions.isEmpty else {
            return
        }
        if links.contains(where: { !$0.isUp }) {
            try setUp(links, socket)
            // A link that was just set up loses the first frames.
            usleep(200_000)
        }
        if let collision = try CollisionProbe.run(questions) {
            throw OCFError(settings.collisionExit, collision.reason)
        }
    }

    /// The address as the kernel is to have it.
    private func wish(_ member: AddressSettings, _ placement: Placement, _ label: String?) -> InterfaceAddress {
        // A member always has an address; the loopback one stands in for what cannot be.
        let address = member.address ?? IPAddress(ipv4: 0x7f00_0001)
        let isIPv4 = address.family == .ipv4
        var flags: InterfaceAddress.Flags = member.skipsPrefixRoute ? .noPrefixRoute : []
        if !isIPv4 && member.skipsDuplicateDetection {
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
            preferredSeconds: member.preferredSeconds,
            metric: placement.metric
        )
    }

    /// Adds addresses in one dialogue and waits until the set is usable; a failure takes back everything.
    private func bringUp(
        _ wanted: [InterfaceAddress],
        _ set: AddressSet,
        _ placements: [Placement],
        _ links: [NetworkLink],
        _ before: NetworkView,
        _ socket: borrowing NetlinkSocket
    ) throws {
        log.info("adding \(wanted.count) of \(set.summary) to \(links.map(\.name).joined(separator: ", "))")
        var added: [InterfaceAddress] = []
        var copies: [AddressHolder] = []
        var labelled: [IPAddress] = []
        do {
            if set.usesFiles {
                // Before the first address: a start that dies half way is found by the stop that follows.
                try setMemory.save(note(set, placements))
            }
            copies = try takeFromLoopback(wanted, before, socket)
            // Before the addresses, so that no connection chooses one as source meanwhile.
            for address in wanted.map(\.address) where address.family == .ipv6 {
                if label(address, socket) {
                    labelled.append(address)
                }
            }
            try add(wanted, before, socket, &added)
            try setUp(links, socket)
            if let problem = try settle(set, placements, socket) {
                throw OCFError(problem.code, "\(problem.reason); removed what was added")
            }
        } catch {
            takeBack(added, socket)
            labelled.forEach { removeLabel($0, socket) }
            for copy in copies {
                takeBack(adding: copy.address, socket)
                LoopbackMemory(directory: environment.runtimeDirectory, address: copy.address.address).forget()
            }
            if set.usesFiles && added.count == set.members.count {
                setMemory.forget()
            }
            throw error
        }
    }

    private func note(_ set: AddressSet, _ placements: [Placement]) -> String {
        zip(set.members, placements).map { member, placement in
            member.address.map { "\($0)/\(placement.prefix)%\(placement.link.name)\n" } ?? ""
        }.joined()
    }

    // `added` are the addresses that the kernel took, also when this throws.
    private func add(
        _ wanted: [InterfaceAddress],
        _ before: NetworkView,
        _ socket: borrowing NetlinkSocket,
        _ added: inout [InterfaceAddress]
    ) throws(NetlinkError) {
        let results: [NetlinkError?]
        do {
            results = try socket.batch(wanted.map(NetlinkSocket.addition))
        } catch {
            // The answers were lost: what is there now and was not before is taken for ours.
            let fresh = try NetlinkSocket(.route)
            let old = Set(before.addresses.map { AddressKey($0) })
            let now = Set(try fresh.addresses().map { AddressKey($0) })
            added = wanted.filter { now.contains(AddressKey($0)) && !old.contains(AddressKey($0)) }
            if added.count == wanted.count {
                return
            }
            throw error
        }
        added = zip(wanted, results).compactMap { $1 == nil ? $0 : nil }
        // With EEXIST a concurrent start was first; what counts is the state, which is checked afterwards.
        if let error = results.lazy.compactMap(\.self).first(where: { $0.code != EEXIST }) {
            throw error
        }
    }

    private func takeFromLoopback(
        _ wanted: [InterfaceAddress],
        _ view: NetworkView,
        _ socket: borrowing NetlinkSocket
    ) throws -> [AddressHolder] {
        guard settings.movesFromLoopback else {
            return []
        }
        var copies: [AddressHolder] = []
        for address in wanted.map(\.address) where address.family == .ipv4 {
            let memory = LoopbackMemory(directory: environment.runtimeDirectory, address: address)
            if let copy = memory.copy(in: view) {
                takeFromLoopback(copy, memory)
                try socket.remove(copy.address)
                copies.append(copy)
            }
        }
        return copies
    }

    /// Removes what a failed start added, the last one first.
    private func takeBack(_ added: [InterfaceAddress], _ socket: borrowing NetlinkSocket) {
        guard !added.isEmpty else {
            return
        }
        do {
            // The flags that the kernel gave decide about the order.
            let view = NetworkView(links: try socket.links(), addresses: try socket.addresses())
            let keys = Set(added.map { AddressKey($0) })
            let holders = view.addresses.reversed().compactMap { address in
                keys.contains(AddressKey(address))
                    ? view.link(address.interfaceIndex).map { AddressHolder(link: $0, address: address) } : nil
            }
            try remove(holders, view, socket)
        } catch {
            log.error("cannot take back what a failed start changed: \(error)")
        }
    }

    /// Waits until every member is usable where it belongs: at most a second for links, and for duplicate address
    /// detection of all at once as long as half the action's timeout allows, at most ten seconds.
    ///
    /// - Returns: nil, or what is wrong.
    private func settle(
        _ set: AddressSet,
        _ placements: [Placement],
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) -> OCFError? {
        let linkDeadline = Deadline(after: .seconds(1))
        let half = (environment.timeoutMilliseconds ?? 20_000) / 2
        let addressDeadline = Deadline(after: .milliseconds(min(10_000, half)))
        while true {
            let view = try AddressSetView.read(socket, set.members)
            var waitsForLink = false
            var isTentative = false
            var problem: OCFError?
            for (number, member) in set.members.enumerated() {
                let holders = view.holders[number].filter { $0.link.index == placements[number].link.index }
                let state = AddressState.judge(holders, member)
                isTentative = isTentative || holders.contains { $0.address.flags.contains(.tentative) }
                if case .linkDown = state {
                    waitsForLink = true
                }
                if state != .usable && problem == nil {
                    var code = OCFExit.generic
                    if case .duplicate = state {
                        code = member.collisionExit
                    }
                    problem = OCFError(code, member.explain(state))
                }
            }
            switch (problem, waitsForLink, isTentative) {
            case (nil, _, false): return nil
            case (nil, _, true):
                if addressDeadline.hasPassed {
                    log.warning("\(set.summary): duplicate address detection has not finished")
                    return nil
                }
            case (_?, true, _):
                if linkDeadline.hasPassed {
                    return problem
                }
            default: return problem
            }
            usleep(10_000)
        }
    }
}

/// What identifies an address on the host.
private struct AddressKey: Hashable {
    let interfaceIndex: Int32
    let address: IPAddress
    let prefixLength: UInt8

    init(_ address: InterfaceAddress) {
        interfaceIndex = address.interfaceIndex
        self.address = address.address
        prefixLength = address.prefixLength
    }
}
