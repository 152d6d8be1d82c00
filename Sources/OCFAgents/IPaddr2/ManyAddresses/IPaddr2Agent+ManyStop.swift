// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Removes every member of a set wherever it is, and those that start had read from a file.
    func stop(_ set: AddressSet) throws(OCFError) -> OCFExit {
        do {
            try DetachedAnnouncer.end(announcerFile)
        } catch {
            log.error("cannot end the announcer: \(error)")
        }
        if let problem = set.problem {
            log.warning("\(problem); stopping the others")
        }
        if isNamespaceMissing {
            log.info("nothing to stop: network namespace \(settings.namespace) does not exist")
            return .success
        }
        var members = set.members
        let known = Set(members.compactMap(\.address))
        for item in setMemory.items where !known.contains(item.address) {
            members.append(settings.with(item.address, prefix: item.prefix, nic: item.nic))
        }
        guard !members.isEmpty else {
            return .success
        }
        return try withNetwork { (socket) throws(OCFError) in
            do throws(NetlinkError) {
                let view = try AddressSetView.read(socket, members)
                try remove(view.holders.flatMap(\.self), view.whole, socket)
                try finish(members, view, socket)
            } catch {
                throw OCFError(error)
            }
            setMemory.forget()
            return .success
        }
    }

    /// Looks that nothing is left, and does what comes after a removal.
    private func finish(
        _ members: [AddressSettings],
        _ view: AddressSetView,
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) {
        if view.holders.contains(where: { !$0.isEmpty }) {
            let left = try AddressSetView.read(socket, members).holders.flatMap(\.self)
            if let holder = left.first {
                throw NetlinkError(
                    kind: .refused,
                    operation: "remove address",
                    subject: "\(holder.address.address) from \(holder.link.name), where it is again",
                    code: EBUSY
                )
            }
            if settings.flushesRoutes && members.contains(where: { $0.address?.family == .ipv4 }) {
                try? TextFile.write("/proc/sys/net/ipv4/route/flush", "1")
            }
        }
        for address in members.compactMap(\.address) where address.family == .ipv6 {
            removeLabel(address, socket)
        }
        if settings.movesFromLoopback {
            for address in members.compactMap(\.address) where address.family == .ipv4 {
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
        guard !holders.isEmpty else {
            return
        }
        log.info(
            "removing \(holders.count) addresses from \(holders[0].link.name)\(holders.count > 1 ? " and so on" : "")"
        )
        let secondary = holders.filter { $0.address.flags.contains(.secondary) }
        let primary = holders.filter { !$0.address.flags.contains(.secondary) }
        let ours = Set(holders.map(\.address))
        var requests = secondary.map { NetlinkSocket.removal(of: $0.address) }
        // Only secondary addresses depend on others; without the primary ones the search is short.
        var others = view
        others.addresses.removeAll { !$0.flags.contains(.secondary) || ours.contains($0) }
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
        for (number, error) in try socket.batch(requests).enumerated() {
            guard let error else {
                continue
            }
            if let dependant = kept[number] {
                if error.code != EEXIST {
                    log.error("\(dependant.address) went with its primary address: \(error)")
                }
            } else if ![EADDRNOTAVAIL, ENODEV].contains(error.code) {
                failure = failure ?? error
            }
        }
        if let failure {
            throw failure
        }
    }
}
