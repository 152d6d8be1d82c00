// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    func startShared(_ cluster: ClusteredAddress) throws(OCFError) -> OCFExit {
        (settings.remarks + cluster.remarks).forEach(log.warning)
        guard let address = settings.address, settings.placementProblem == nil else {
            throw OCFError(.installed, settings.placementProblem ?? "ip is not an address")
        }
        guard let bucket = cluster.bucket, settings.otherProblem == nil else {
            throw OCFError(.configured, settings.otherProblem ?? "the cluster manager names no instance of the clone")
        }
        return try withNetwork { (socket) throws(OCFError) in
            let lock = try clusterLock(address)
            defer { _ = lock }
            let view = try clustered { () throws(NetlinkError) in
                try NetworkView.read(socket, address.family, routes: true)
            }
            let placement: Placement
            do throws(OCFError) {
                placement = try Placement.derive(settings, view)
            } catch {
                throw error.with(.installed)
            }
            let label = try placement.label(settings)
            let holders = view.holders(settings).filter { $0.link.index == placement.link.index }
            let state = try read(cluster, address, holders)
            let finding = state.finding(for: bucket)
            if finding == .usable {
                return .success
            }
            guard let tool = PacketFilterTool(environment) else {
                throw OCFError(.installed, "an address shared by several nodes needs nft: install nftables")
            }
            guard ClusteredRules.canName(placement.link.name) else {
                throw OCFError(.installed, "interface \"\(placement.link.name)\" has a name that nft cannot take")
            }
            let sharing = try Sharing(cluster, address, bucket, placement, state, tool)
            try start(sharing, finding, label, socket)
            log.info("\(address) on \(placement.link.name) takes bucket \(bucket) of \(cluster.buckets)")
            return .success
        }
    }

    /// Adds what is missing; a failure takes away what this call added.
    private func start(
        _ sharing: Sharing,
        _ finding: ClusterState.Finding,
        _ label: String?,
        _ socket: borrowing NetlinkSocket
    ) throws(OCFError) {
        let isFirst = sharing.state.holders.isEmpty || !sharing.state.isFiltered
        switch finding {
        case .notJoined: break
        case .bucketMissing: try sharing.tool.apply(sharing.rules.addition(of: sharing.bucket))
        default:
            if isFirst || !sharing.state.buckets.contains(sharing.bucket) {
                try sharing.tool.apply(
                    isFirst
                        ? sharing.rules.installation(of: sharing.bucket)
                        : sharing.rules.addition(of: sharing.bucket)
                )
            }
        }
        do throws(OCFError) {
            try sharing.join()
            try bringUp(sharing, label, socket)
        } catch {
            takeBack(sharing, isFirst: isFirst)
            throw error
        }
    }

    private func bringUp(
        _ sharing: Sharing,
        _ label: String?,
        _ socket: borrowing NetlinkSocket
    ) throws(OCFError) {
        let placement = sharing.placement
        var wanted = settings.wish(placement, label)
        if sharing.address.family == .ipv6 {
            // The other nodes have the address too: detection would always find a duplicate.
            wanted.flags.insert(.noDuplicateDetection)
        }
        let labelled = sharing.state.holders.isEmpty ? addLabels([sharing.address], socket) : []
        var isAdded = false
        var failure: OCFError
        do throws(NetlinkError) {
            if sharing.state.holders.isEmpty {
                try socket.add(wanted)
                isAdded = true
            }
            if !placement.link.isUp {
                try socket.setUp(interfaceIndex: placement.link.index)
            }
            guard let problem = try settle([settings], on: [placement.link.index], socket) else {
                return
            }
            failure = problem.with(isAdded ? .generic : .installed)
        } catch {
            failure = OCFError(error)
        }
        removeLabels(labelled, socket)
        if isAdded {
            try? socket.remove(wanted)
        }
        throw failure
    }

    private func takeBack(_ sharing: Sharing, isFirst: Bool) {
        do {
            if isFirst {
                try sharing.tool.apply(ClusteredRules.removal(for: sharing.address))
                try sharing.membership.leave()
            } else if !sharing.state.buckets.contains(sharing.bucket) {
                let rules = try filterRules(of: sharing.address) ?? []
                let own = rules.filter { ClusteredRules.bucket(of: $0) == sharing.bucket }
                try sharing.tool.apply(ClusteredRules.removal(of: own, for: sharing.address))
            }
        } catch {
            log.error("cannot take back what a failed start changed: \(error)")
        }
    }
}

/// What a start of a shared address works with.
private struct Sharing {
    let address: IPAddress
    let bucket: Int
    let placement: Placement
    let state: ClusterState
    let tool: PacketFilterTool
    let rules: ClusteredRules
    let membership: MulticastMembership

    init(
        _ cluster: ClusteredAddress,
        _ address: IPAddress,
        _ bucket: Int,
        _ placement: Placement,
        _ state: ClusterState,
        _ tool: PacketFilterTool
    ) throws(OCFError) {
        let (prefix, broadcast) = (placement.prefix, placement.broadcast)
        guard let hardware = cluster.hardware(of: address, prefix: prefix, broadcast: broadcast) else {
            throw OCFError(.generic, "no hardware address for \(address)")
        }
        self.address = address
        self.bucket = bucket
        self.placement = placement
        self.state = state
        self.tool = tool
        rules = ClusteredRules(
            address: address,
            device: placement.link.name,
            buckets: cluster.buckets,
            seed: cluster.seed(of: address, prefix: prefix, broadcast: broadcast),
            mangle: cluster.manglesARP ? hardware : nil
        )
        membership = MulticastMembership(device: placement.link.name, hardware: hardware)
    }

    func join() throws(OCFError) {
        do {
            try membership.join()
        } catch {
            throw OCFError(error)
        }
    }
}
