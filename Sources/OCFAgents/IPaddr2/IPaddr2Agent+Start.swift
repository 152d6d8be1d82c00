// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Brings the address up and announces it; a failure takes back what this call changed.
    func start() throws(OCFError) -> OCFExit {
        settings.remarks.forEach(log.warning)
        if settings.placementProblem != nil || settings.address == nil {
            // As in the reference, a start that cannot place the address tells the node, not the whole cluster.
            throw OCFError(.installed, settings.placementProblem ?? "ip is not an address")
        }
        return try withNetwork { (socket) throws(OCFError) in
            do {
                return try start(socket)
            } catch let error as OCFError {
                throw error
            } catch let error as NetlinkError {
                throw OCFError(error)
            } catch let error as SystemError {
                throw OCFError(error)
            } catch {
                throw OCFError(.generic, "\(error)")
            }
        }
    }

    private func start(_ socket: borrowing NetlinkSocket) throws -> OCFExit {
        guard let address = settings.address else {
            return .generic
        }
        let view = try NetworkView.read(socket, address.family, routes: true)
        let present = view.holders(settings)
        let placement: Placement
        do {
            placement = try Placement.derive(settings, view)
        } catch {
            if settings.nic.isEmpty && AddressState.judge(present, settings) == .usable {
                log.warning("\(address) is running already, but could not be placed anew: \(error.reason)")
                return .success
            }
            throw error.with(.installed)
        }
        let label = try placement.label(settings)
        if let problem = settings.otherProblem {
            throw OCFError(.configured, problem)
        }
        let ours = present.filter { $0.link.index == placement.link.index }
        for holder in present where holder.link.index != placement.link.index {
            log.warning("\(address) is also on \(holder.link.name)")
        }
        for holder in ours where holder.address.prefixLength != placement.prefix {
            log.warning("\(address)/\(holder.address.prefixLength) is on \(holder.link.name) already and is taken over")
        }
        switch AddressState.judge(ours, settings) {
        case .usable: return .success
        case .absent: return try add(address, placement, label, view, socket)
        case .linkDown:
            if !placement.link.isUp {
                try socket.setUp(interfaceIndex: placement.link.index)
            }
            let state = try settle(placement.link.index, address, socket)
            if state == .usable {
                return .success
            }
            throw OCFError(.installed, settings.explain(state))
        case let state: throw OCFError(.generic, settings.explain(state))
        }
    }

    private func add(
        _ address: IPAddress,
        _ placement: Placement,
        _ label: String?,
        _ view: NetworkView,
        _ socket: borrowing NetlinkSocket
    ) throws -> OCFExit {
        let link = placement.link
        if settings.probesFirst && address.family == .ipv4, let device = link.announcingDevice(.ipv4) {
            if !link.isUp {
                try socket.setUp(interfaceIndex: link.index)
                _ = try settle(link.index, address, socket)
            }
            if let collision = try CollisionProbe.run([.init(device: device, addresses: [address])]) {
                throw OCFError(settings.collisionExit, collision.reason)
            }
        }
        var flags: InterfaceAddress.Flags = settings.skipsPrefixRoute ? .noPrefixRoute : []
        if address.family == .ipv6 && settings.skipsDuplicateDetection {
            flags.insert(.noDuplicateDetection)
        }
        let wanted = InterfaceAddress(
            interfaceIndex: link.index,
            address: address,
            prefixLength: placement.prefix,
            broadcast: placement.broadcast,
            label: address.family == .ipv4 ? label ?? link.name : nil,
            scope: address.family == .ipv4 && address.isLoopback ? .host : .global,
            flags: flags,
            preferredSeconds: settings.preferredSeconds,
            metric: placement.metric
        )
        let memory = LoopbackMemory(directory: environment.runtimeDirectory, address: address)
        let copy = settings.movesFromLoopback ? memory.copy(in: view) : nil
        if let copy {
            takeFromLoopback(copy, memory)
            try socket.remove(copy.address)
        }
        if let failure = bringUp(wanted, on: link, socket) {
            if let copy {
                takeBack(adding: copy.address, socket)
                memory.forget()
            }
            throw failure
        }
        announce([AddressHolder(link: link, address: wanted)], rounds: settings.announcementCount)
        return .success
    }

    func takeFromLoopback(_ copy: AddressHolder, _ memory: LoopbackMemory) {
        do {
            try memory.save(copy)
        } catch {
            log.error("\(error); the loopback copy will not be restored by stop")
        }
    }

    /// Adds the address, brings the link up and looks whether the address is usable; else removes it again.
    ///
    /// - Returns: nil, or why the address is not usable.
    private func bringUp(_ wanted: InterfaceAddress, on link: NetworkLink, _ socket: borrowing NetlinkSocket)
        -> OCFError?
    {
        log.info("adding \(wanted.address)/\(wanted.prefixLength) to \(link.name)")
        var isOurs = true
        let isLabelled = label(wanted.address, socket)
        do {
            try socket.add(wanted)
        } catch {
            // With EEXIST a concurrent start was first; what counts is the state, which is checked below.
            guard error.code == EEXIST else {
                if isLabelled {
                    removeLabel(wanted.address, socket)
                }
                return OCFError(error)
            }
            isOurs = false
        }
        let failure = verify(wanted, on: link, socket)
        if failure != nil && isOurs {
            takeBack(removing: wanted, socket)
            if isLabelled {
                removeLabel(wanted.address, socket)
            }
        }
        return failure
    }

    /// Labels an IPv6 address before it appears, so that no connection chooses it as source address meanwhile.
    ///
    /// - Returns: Whether this call added the label. Without one the address works, so a failure is only logged.
    func label(_ address: IPAddress, _ socket: borrowing NetlinkSocket) -> Bool {
        guard let label = settings.addressLabel else {
            return false
        }
        do {
            try socket.addLabel(of: address, label)
            return true
        } catch {
            if error.code != EEXIST {
                log.warning("\(address) may become a source address: \(error)")
            }
            return false
        }
    }

    /// Takes the label of an IPv6 address away; one that is not there is fine.
    func removeLabel(_ address: IPAddress, _ socket: borrowing NetlinkSocket) {
        guard let label = settings.addressLabel else {
            return
        }
        do {
            try socket.removeLabel(of: address, label)
        } catch {
            if error.code != ESRCH {
                log.warning("\(error)")
            }
        }
    }

    private func verify(_ wanted: InterfaceAddress, on link: NetworkLink, _ socket: borrowing NetlinkSocket)
        -> OCFError?
    {
        do {
            if !link.isUp {
                try socket.setUp(interfaceIndex: link.index)
            }
            let state = try settle(link.index, wanted.address, socket)
            var code = OCFExit.generic
            if case .duplicate = state {
                code = settings.collisionExit
            }
            return state == .usable ? nil : OCFError(code, "\(settings.explain(state)); removed it again")
        } catch {
            return OCFError(error)
        }
    }

    func takeBack(adding address: InterfaceAddress, _ socket: borrowing NetlinkSocket) {
        do {
            try socket.add(address)
        } catch {
            log.error("cannot take back what a failed start changed: \(error)")
        }
    }

    private func takeBack(removing address: InterfaceAddress, _ socket: borrowing NetlinkSocket) {
        do {
            try socket.remove(address)
        } catch {
            log.error("cannot take back what a failed start changed: \(error)")
        }
    }

    /// Waits until the address is usable: at most a second for the link, and for duplicate address detection as long
    /// as half the action's timeout allows, at most ten seconds.
    private func settle(
        _ index: Int32,
        _ address: IPAddress,
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) -> AddressState {
        let linkDeadline = Deadline(after: .seconds(1))
        let half = (environment.timeoutMilliseconds ?? 20_000) / 2
        let addressDeadline = Deadline(after: .milliseconds(min(10_000, half)))
        while true {
            let view = try NetworkView.read(socket, address.family)
            let holders = view.holders(settings).filter { $0.link.index == index }
            let state = AddressState.judge(holders, settings)
            let isTentative = holders.contains { $0.address.flags.contains(.tentative) }
            switch state {
            case .usable where isTentative:
                if addressDeadline.hasPassed {
                    log.warning("\(address) is still tentative: duplicate address detection has not finished")
                    return state
                }
            case .linkDown:
                if linkDeadline.hasPassed {
                    return state
                }
            default: return state
            }
            usleep(10_000)
        }
    }
}
