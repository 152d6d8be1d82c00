// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Adds addresses in one dialogue and waits until the set is usable; a failure takes back everything.
    ///
    /// - Parameters:
    ///   - wanted: What is to be added.
    ///   - placements: Where every member belongs.
    ///   - links: The interfaces of the set.
    ///   - before: What was there.
    ///   - isRestUsable: Whether the other members are usable.
    ///   - socket: The connection to the kernel.
    /// - Throws: ``OCFError`` for what is wrong, or what the kernel refused.
    func bringUp(
        _ wanted: [AddressHolder],
        _ placements: [Placement],
        _ links: [NetworkLink],
        _ before: NetworkView,
        isRestUsable: Bool,
        _ socket: borrowing NetlinkSocket
    ) throws {
        let what = wanted.count == 1 ? wanted[0].address.text : "\(wanted.count) of \(set.summary)"
        log.info("adding \(what) to \(links.map(\.name).joined(separator: ", "))")
        var added: [AddressHolder] = []
        var copies: [AddressHolder] = []
        var labelled: [IPAddress] = []
        do {
            if set.usesFiles {
                // Before the first address: a start that dies half way is found by the stop that follows.
                try setMemory.save(note(placements))
            }
            copies = try takeFromLoopback(wanted, before, socket)
            // Before the addresses, so that no connection chooses one as source meanwhile.
            labelled = addLabels(wanted.map(\.address.address), socket)
            try add(wanted, before, socket, &added)
            try setUp(links, socket)
            // What the kernel has acknowledged needs no second look, unless it may still change its mind.
            let isCertain = isRestUsable && added.count == wanted.count && wanted.allSatisfy(isUsableAtOnce)
            if !isCertain, let problem = try settle(set.members, on: placements.map(\.link.index), socket) {
                throw OCFError(problem.code, "\(problem.reason); removed what was added")
            }
        } catch {
            takeBack(added, socket)
            removeLabels(labelled, socket)
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

    /// Whether an address works from the moment that the kernel acknowledges it: the link works, and no detection runs.
    private func isUsableAtOnce(_ holder: AddressHolder) -> Bool {
        holder.link.isUp && !(settings.checksLink && [.down, .lowerLayerDown].contains(holder.link.state))
            && (holder.address.address.family == .ipv4 || holder.address.flags.contains(.noDuplicateDetection))
    }

    /// Where the addresses are noted that came from a file.
    var setMemory: AddressSetMemory { AddressSetMemory(path: announcerFile.path + ".ips") }

    private func note(_ placements: [Placement]) -> String {
        zip(set.members, placements).map { member, placement in
            member.address.map { "\($0)/\(placement.prefix)%\(placement.link.name)\n" } ?? ""
        }.joined()
    }

    // `added` are the addresses that the kernel took, also when this throws.
    private func add(
        _ wanted: [AddressHolder],
        _ before: NetworkView,
        _ socket: borrowing NetlinkSocket,
        _ added: inout [AddressHolder]
    ) throws(NetlinkError) {
        let results: [NetlinkError?]
        do {
            results = try socket.batch(wanted.map { NetlinkSocket.addition(of: $0.address) })
        } catch {
            // The answers were lost: what is there now and was not before is taken for ours.
            let fresh = try NetlinkSocket(.route)
            let old = Set(before.addresses.map(AddressKey.init))
            let now = Set(try fresh.addresses().map(AddressKey.init))
            added = wanted.filter { now.contains(AddressKey($0.address)) && !old.contains(AddressKey($0.address)) }
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
        _ wanted: [AddressHolder],
        _ view: NetworkView,
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) -> [AddressHolder] {
        guard settings.movesFromLoopback else {
            return []
        }
        var copies: [AddressHolder] = []
        for address in wanted.map(\.address.address) where address.family == .ipv4 {
            let memory = LoopbackMemory(directory: environment.runtimeDirectory, address: address)
            guard let copy = memory.copy(in: view) else {
                continue
            }
            do {
                try memory.save(copy)
            } catch {
                log.error("\(error); the loopback copy will not be restored by stop")
            }
            try socket.remove(copy.address)
            copies.append(copy)
        }
        return copies
    }

    private func takeBack(adding address: InterfaceAddress, _ socket: borrowing NetlinkSocket) {
        do {
            try socket.add(address)
        } catch {
            log.error("cannot take back what a failed start changed: \(error)")
        }
    }

    /// Removes what a failed start added, the last one first.
    private func takeBack(_ added: [AddressHolder], _ socket: borrowing NetlinkSocket) {
        guard !added.isEmpty else {
            return
        }
        do {
            // The flags that the kernel gave decide about the order.
            let view = NetworkView(links: try socket.links(), addresses: try socket.addresses())
            let keys = Set(added.map { AddressKey($0.address) })
            let holders = view.addresses.reversed().compactMap { address in
                keys.contains(AddressKey(address))
                    ? view.link(address.interfaceIndex).map { AddressHolder(link: $0, address: address) } : nil
            }
            try remove(holders, view, socket)
        } catch {
            log.error("cannot take back what a failed start changed: \(error)")
        }
    }

    /// Labels IPv6 addresses before they appear, so that no connection chooses one as source address meanwhile.
    ///
    /// - Returns: Those that this call labelled. Without a label an address works, so a failure is only logged.
    func addLabels(_ addresses: [IPAddress], _ socket: borrowing NetlinkSocket) -> [IPAddress] {
        let addresses = addresses.filter { $0.family == .ipv6 }
        guard let label = settings.addressLabel, !addresses.isEmpty else {
            return []
        }
        do {
            let results = try socket.batch(addresses.map { NetlinkSocket.addition(ofLabel: label, to: $0) })
            if let error = results.lazy.compactMap(\.self).first(where: { $0.code != EEXIST }) {
                log.warning("an address may become a source address: \(error)")
            }
            return zip(addresses, results).compactMap { $1 == nil ? $0 : nil }
        } catch {
            log.warning("addresses may become source addresses: \(error)")
            return []
        }
    }

    /// Takes the labels of IPv6 addresses away; one that is not there is fine.
    func removeLabels(_ addresses: [IPAddress], _ socket: borrowing NetlinkSocket) {
        let addresses = addresses.filter { $0.family == .ipv6 }
        guard let label = settings.addressLabel, !addresses.isEmpty else {
            return
        }
        do {
            let results = try socket.batch(addresses.map { NetlinkSocket.removal(ofLabel: label, from: $0) })
            if let error = results.lazy.compactMap(\.self).first(where: { $0.code != ESRCH }) {
                throw error
            }
        } catch {
            log.warning("\(error)")
        }
    }
}
