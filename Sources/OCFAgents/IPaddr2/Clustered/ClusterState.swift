// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

/// How a shared address stands on this node, and who holds it.
struct ClusterState: Sendable, Equatable {
    /// What is missing for this instance to run.
    enum Finding: Sendable, Equatable {
        /// The address is not here.
        case absent
        /// The address is here and does not work, as it would be for any address.
        case unusable(AddressState)
        /// The address is here, but nothing keeps this node from answering everybody.
        case unfiltered
        /// The node does not receive what is sent to the multicast hardware address.
        case notJoined
        /// Other instances of this node run, or none; this one does not.
        case bucketMissing
        /// Everything is in place.
        case usable
    }

    /// Who holds the address.
    let holders: [AddressHolder]
    /// The state of the address by itself.
    let address: AddressState
    /// The rules of the table; nil without a table.
    let rules: [FilterRule]?
    /// Whether the multicast hardware address is joined; true when that cannot be known.
    let isJoined: Bool
    /// Among how many buckets the clients are shared out.
    let total: Int

    /// Whether what hashes elsewhere is dropped, and elsewhere means the same as for this instance.
    var isFiltered: Bool {
        let comment = ClusteredRules.dropComment(of: total)
        return (rules ?? []).contains { $0.chain == ClusteredRules.chain && $0.comment == comment }
    }

    /// The buckets of this node.
    var buckets: Set<Int> { Set((rules ?? []).compactMap(ClusteredRules.bucket)) }

    /// The rules that let a bucket pass.
    func rules(of bucket: Int) -> [FilterRule] { (rules ?? []).filter { ClusteredRules.bucket(of: $0) == bucket } }

    /// Judges for the instance that owns a bucket.
    func finding(for bucket: Int?) -> Finding {
        switch address {
        case .absent: .absent
        case .usable:
            if !isFiltered {
                .unfiltered
            } else if bucket.map(buckets.contains) != true {
                .bucketMissing
            } else {
                isJoined ? .usable : .notJoined
            }
        case let state: .unusable(state)
        }
    }
}
