// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Takes this instance's share away, and with the last one everything.
    func stopShared(_ cluster: ClusteredAddress) throws(OCFError) -> OCFExit {
        guard let address = settings.address else {
            log.warning("nothing to stop: \(settings.placementProblem ?? "ip is not an address")")
            return .success
        }
        if isNamespaceMissing {
            log.info("nothing to stop: network namespace \(settings.namespace) does not exist")
            return .success
        }
        return try withNetwork { (socket) throws(OCFError) in
            let lock = try clusterLock(address)
            defer { _ = lock }
            let view = try clustered { () throws(NetlinkError) in try NetworkView.read(socket, address.family) }
            let state = readLeniently(cluster, address, view.holders(settings))
            let others = state.buckets.subtracting(cluster.bucket.map { [$0] } ?? Array(state.buckets))
            let tool = PacketFilterTool(environment)
            guard others.isEmpty || state.holders.isEmpty else {
                let own = cluster.bucket.map(state.rules) ?? []
                if !own.isEmpty {
                    guard let tool else {
                        throw OCFError(.generic, "nft is missing: cannot give up bucket \(cluster.bucket ?? 0)")
                    }
                    try tool.apply(ClusteredRules.removal(of: own, for: address))
                    log.info("\(address) gives up bucket \(cluster.bucket ?? 0), \(others.sorted()) stay here")
                }
                return .success
            }
            // The address first: without its filter it would answer everybody.
            try clustered { () throws(NetlinkError) in try remove([settings], socket) }
            leave(cluster, address, state.holders)
            removeFilter(address, state, tool)
            return .success
        }
    }

    private func leave(_ cluster: ClusteredAddress, _ address: IPAddress, _ holders: [AddressHolder]) {
        for holder in holders {
            let hardware = cluster.hardware(
                of: address,
                prefix: holder.address.prefixLength,
                broadcast: holder.address.broadcast
            )
            do {
                if let hardware {
                    try MulticastMembership(device: holder.link.name, hardware: hardware).leave()
                }
            } catch {
                log.warning("\(error)")
            }
        }
    }

    /// Without the address its filter is harmless, so a failure must not fence the node.
    private func removeFilter(_ address: IPAddress, _ state: ClusterState, _ tool: PacketFilterTool?) {
        do {
            guard state.rules != nil else {
                return
            }
            guard let tool else {
                log.warning("nft is missing: the packet filter of \(address) stays, without effect")
                return
            }
            try tool.apply(ClusteredRules.removal(for: address))
        } catch {
            log.warning("the packet filter of \(address) stays, without effect: \(error)")
        }
    }
}
