// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

/// The actions for an address that all nodes of a clone hold at once.
///
/// monitor starts no program: the kernel's own list of rules, read over netlink, shows the buckets by their comments in
/// a tenth of the time that `nft -j list` takes, and works while nft(8) is being replaced. Nothing is announced in this
/// mode: a gratuitous ARP packet with the device's own hardware address would draw all clients to this node.
extension IPaddr2Agent {
    /// Runs an action of a shared address.
    func run(_ action: AgentAction, _ cluster: ClusteredAddress) throws(OCFError) -> OCFExit {
        switch action {
        case .start: return try startShared(cluster)
        case .stop: return try stopShared(cluster)
        case .monitor: return try monitorShared(cluster, environment.isProbe ? .probe : .recurring)
        case .status: return try monitorShared(cluster, .status)
        case .validateAll: return try validate()
        case .reloadAgent: return try reload()
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    private func monitorShared(_ cluster: ClusteredAddress, _ question: Question) throws(OCFError) -> OCFExit {
        guard let address = settings.address else {
            return try refuse(settings.placementProblem ?? "ip is not an address", question)
        }
        guard !isNamespaceMissing else {
            return .notRunning
        }
        return try withNetwork { (socket) throws(OCFError) in
            let view = try clustered { () throws(NetlinkError) in try NetworkView.read(socket, address.family) }
            let holders = view.holders(settings)
            // Without the address nothing else matters, and no privilege is needed to see that.
            guard !holders.isEmpty else {
                return try answer(.absent, question, of: settings)
            }
            let state = try read(cluster, address, holders)
            return try answer(state.finding(for: cluster.bucket), cluster, question)
        }
    }

    private func answer(
        _ finding: ClusterState.Finding,
        _ cluster: ClusteredAddress,
        _ question: Question
    ) throws(OCFError) -> OCFExit {
        let name = settings.address.map(\.description) ?? "the address"
        switch (finding, question) {
        case (.usable, _): return .success
        case (.absent, _): return try answer(.absent, question, of: settings)
        case (.unusable(let state), _): return try answer(state, question, of: settings)
        case (.bucketMissing, .recurring):
            throw OCFError(
                .generic,
                "\(name) is running, but without the bucket of this instance: its rule was deleted"
            )
        // Another instance of the same node runs; this one may run elsewhere.
        case (.bucketMissing, _), (_, .status): return .notRunning
        case (.unfiltered, _):
            throw OCFError(
                .generic,
                "\(name) is running, but its packet filter is missing or another one: it answers too many clients"
            )
        case (.notJoined, _):
            throw OCFError(.generic, "\(name) is running, but its device has left the multicast hardware address")
        }
    }

    func read(
        _ cluster: ClusteredAddress,
        _ address: IPAddress,
        _ holders: [AddressHolder]
    ) throws(OCFError) -> ClusterState {
        let isJoined = holders.allSatisfy { holder in
            cluster.hardware(of: address, prefix: holder.address.prefixLength, broadcast: holder.address.broadcast)
                .map { MulticastMembership(device: holder.link.name, hardware: $0).isJoined } ?? true
        }
        return ClusterState(
            holders: holders,
            address: AddressState.judge(holders, settings),
            rules: try filterRules(of: address),
            isJoined: isJoined,
            total: cluster.buckets
        )
    }

    /// For stop, which must not fail because the filter cannot be read: then it takes away everything.
    func readLeniently(
        _ cluster: ClusteredAddress,
        _ address: IPAddress,
        _ holders: [AddressHolder]
    ) -> ClusterState {
        do {
            return try read(cluster, address, holders)
        } catch {
            log.error("\(error.reason)")
            return ClusterState(
                holders: holders,
                address: AddressState.judge(holders, settings),
                rules: nil,
                isJoined: true,
                total: cluster.buckets
            )
        }
    }

    func filterRules(of address: IPAddress) throws(OCFError) -> [FilterRule]? {
        try clustered { () throws(NetlinkError) in
            try NetlinkSocket(.netfilter).filterRules(of: ClusteredRules.table(of: address), .init(address.family))
        }
    }

    func clusterLock(_ address: IPAddress) throws(OCFError) -> ClusterLock {
        let half = (environment.timeoutMilliseconds ?? 20_000) / 2
        do {
            return try ClusterLock(
                "\(environment.runtimeDirectory)/IPaddr2-CIP-\(address)",
                until: Deadline(after: .milliseconds(min(10_000, half)))
            )
        } catch {
            throw OCFError(error)
        }
    }

    func clustered<Result>(_ body: () throws(NetlinkError) -> Result) throws(OCFError) -> Result {
        do throws(NetlinkError) {
            return try body()
        } catch {
            throw OCFError(error)
        }
    }
}
