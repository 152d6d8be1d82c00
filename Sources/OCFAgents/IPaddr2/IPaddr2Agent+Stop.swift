// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Takes the addresses down wherever they are, also those that start had read from a file; what is not there is success.
    ///
    /// A failing stop means fencing, so no parameter that is not needed here is judged.
    func stop() throws(OCFError) -> OCFExit {
        do {
            try DetachedAnnouncer.end(announcerFile)
        } catch {
            log.error("cannot end the announcer: \(error)")
        }
        if let problem = set.unreadable {
            log.warning("\(problem); stopping what is left")
        }
        if isNamespaceMissing {
            log.info("nothing to stop: network namespace \(settings.namespace) does not exist")
            return .success
        }
        var members = set.members.filter { $0.address != nil }
        if set.isList {
            let known = Set(members.compactMap(\.address))
            for item in setMemory.items where !known.contains(item.address) {
                members.append(settings.with(item.address, prefix: item.prefix, nic: item.nic))
            }
        }
        guard !members.isEmpty else {
            return .success
        }
        return try withNetwork { (socket) throws(OCFError) in
            do throws(NetlinkError) {
                try remove(members, socket)
            } catch {
                throw OCFError(error)
            }
            if set.isList {
                setMemory.forget()
            }
            return .success
        }
    }

    /// Removes addresses, looks that none is left, and does what comes after a removal.
    func remove(_ members: [AddressSettings], _ socket: borrowing NetlinkSocket) throws(NetlinkError) {
        let view = try AddressSetView.read(socket, members)
        let holders = view.holders.flatMap(\.self)
        if !holders.isEmpty {
            try remove(holders, view.whole, socket)
            if let left = try view.again(socket, members).holders.lazy.flatMap(\.self).first {
                throw NetlinkError(
                    kind: .refused,
                    operation: "remove address",
                    subject: "\(left.address.address) from \(left.link.name), where it is again",
                    code: EBUSY
                )
            }
            if settings.flushesRoutes && members.contains(where: { $0.address?.family == .ipv4 }) {
                // Without a routing cache (Linux 3.6 and later) there is nothing to flush and nothing to fail.
                try? TextFile.write("/proc/sys/net/ipv4/route/flush", "1")
            }
        }
        let addresses = members.compactMap(\.address)
        removeLabels(addresses, socket)
        if settings.movesFromLoopback {
            for address in addresses where address.family == .ipv4 {
                restoreLoopback(address, view.whole, socket)
            }
        }
    }

    /// Removes addresses in one dialogue: secondary ones first, so that none goes unseen with its primary one, and puts
    /// back those of others that the kernel drops with a primary one.
    ///
    /// - Throws: ``NetlinkError`` of the first address that is still there and was refused.
    func remove(
        _ holders: [AddressHolder],
        _ view: NetworkView,
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) {
        guard let first = holders.first else {
            return
        }
        let what = holders.count == 1 ? first.address.text : "\(holders.count) addresses"
        log.info("removing \(what) from \(Set(holders.map(\.link.name)).sorted().joined(separator: ", "))")
        let secondary = holders.filter { $0.address.flags.contains(.secondary) }
        let primary = holders.filter { !$0.address.flags.contains(.secondary) }
        let ours = Set(holders.map { AddressKey($0.address) })
        var requests = secondary.map { NetlinkSocket.removal(of: $0.address) }
        // Only secondary addresses depend on others; without the primary ones the search is short.
        var others = view
        others.addresses.removeAll { !$0.flags.contains(.secondary) || ours.contains(AddressKey($0)) }
        var kept: [Int: InterfaceAddress] = [:]
        for holder in primary {
            requests.append(NetlinkSocket.removal(of: holder.address))
            for dependant in others.dependants(of: holder.address) {
                var copy = dependant
                copy.flags = dependant.flags.intersection(.noPrefixRoute)
                kept[requests.count] = dependant
                requests.append(NetlinkSocket.addition(of: copy))
            }
        }
        var failure: NetlinkError?
        // The others are away for microseconds only. Where promote_secondaries kept them, adding them answers EEXIST.
        for (number, error) in try socket.batch(requests).enumerated() {
            switch (kept[number], error) {
            case (let dependant?, nil): log.info("kept \(dependant.text), a secondary address of one that was removed")
            case (_?, let error?) where error.code == EEXIST: break
            case (let dependant?, let error?): log.error("\(dependant.text) went with its primary address: \(error)")
            case (nil, let error?) where ![EADDRNOTAVAIL, ENODEV].contains(error.code): failure = failure ?? error
            case (nil, _): break
            }
        }
        if let failure {
            throw failure
        }
    }

    private func restoreLoopback(_ address: IPAddress, _ view: NetworkView, _ socket: borrowing NetlinkSocket) {
        let memory = LoopbackMemory(directory: environment.runtimeDirectory, address: address)
        guard let copy = memory.saved(in: view) else {
            return
        }
        do {
            try socket.setUp(interfaceIndex: copy.interfaceIndex)
            try socket.add(copy)
        } catch  where error.code == EEXIST {
            // Somebody was faster; the copy is where it belongs.
        } catch {
            log.error("cannot restore the loopback copy of \(address): \(error)")
            return
        }
        memory.forget()
    }
}

extension InterfaceAddress {
    /// Address and prefix, for the log.
    var text: String { "\(address)/\(prefixLength)" }
}
