// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Takes the address down wherever it is; what is not there is success.
    ///
    /// A failing stop means fencing, so no parameter that is not needed here is judged.
    func stop() throws(OCFError) -> OCFExit {
        do {
            try DetachedAnnouncer.end(announcerFile)
        } catch {
            log.error("cannot end the announcer: \(error)")
        }
        guard let address = settings.address else {
            log.warning("nothing to stop: \(settings.placementProblem ?? "ip is not an address")")
            return .success
        }
        if !settings.namespace.isEmpty && access("/run/netns/\(settings.namespace)", F_OK) != 0 {
            log.info("nothing to stop: network namespace \(settings.namespace) does not exist")
            return .success
        }
        return try withNetwork { (socket) throws(OCFError) in
            do throws(NetlinkError) {
                try remove(address, socket)
            } catch {
                throw OCFError(error)
            }
            return .success
        }
    }

    func remove(_ address: IPAddress, _ socket: borrowing NetlinkSocket) throws(NetlinkError) {
        let view = try NetworkView.read(socket, address.family)
        let holders = view.holders(settings)
        for holder in holders {
            log.info("removing \(address)/\(holder.address.prefixLength) from \(holder.link.name)")
            try remove(holder, view, socket)
        }
        if !holders.isEmpty {
            removeLabel(address, socket)
            let left = try NetworkView.read(socket, address.family).holders(settings)
            if let holder = left.first {
                throw NetlinkError(
                    kind: .refused,
                    operation: "remove address",
                    subject: "\(address) from \(holder.link.name), where it is again",
                    code: EBUSY
                )
            }
            if settings.flushesRoutes && address.family == .ipv4 {
                // Without a routing cache (Linux 3.6 and later) there is nothing to flush and nothing to fail.
                try? TextFile.write("/proc/sys/net/ipv4/route/flush", "1")
            }
        }
        if settings.movesFromLoopback && address.family == .ipv4 {
            restoreLoopback(address, view, socket)
        }
    }

    /// Removes one address; the secondary addresses that the kernel would drop with a primary one stay.
    private func remove(
        _ holder: AddressHolder,
        _ view: NetworkView,
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) {
        let dependants = view.dependants(of: holder.address)
        let additions = dependants.map { dependant in
            var copy = dependant
            copy.flags = dependant.flags.intersection(.noPrefixRoute)
            return NetlinkSocket.addition(of: copy)
        }
        // In one batch, so that the others are away for microseconds only. Where promote_secondaries kept them, adding
        // them answers EEXIST.
        let results = try socket.batch([NetlinkSocket.removal(of: holder.address)] + additions)
        if let error = results.first ?? nil, ![EADDRNOTAVAIL, ENODEV].contains(error.code) {
            throw error
        }
        for (dependant, error) in zip(dependants, results.dropFirst()) {
            switch error {
            case nil:
                log.info(
                    "kept \(dependant.address) on \(holder.link.name), a secondary address of \(holder.address.address)"
                )
            case let error? where error.code != EEXIST:
                log.error("\(dependant.address) went with its primary address \(holder.address.address): \(error)")
            default: break
            }
        }
    }

    func restoreLoopback(_ address: IPAddress, _ view: NetworkView, _ socket: borrowing NetlinkSocket) {
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
