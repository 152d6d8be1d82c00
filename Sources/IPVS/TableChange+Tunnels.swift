// SPDX-License-Identifier: Apache-2.0

/// What is known of the kernel's tunnels: one before Linux 5.3 takes gue and gre for ipip without a word.
enum TunnelSupport {
    case unknown
    case all
    case ipipOnly
}

extension TableChange {
    /// The server of a change that only a kernel with tunnel types carries out as it is meant.
    private var typedTunnel: Destination? {
        switch self {
        case .addDestination(let destination, _), .editDestination(let destination, _):
            destination.forwarding == .tunnel && destination.encapsulation != .ipip ? destination : nil
        default: nil
        }
    }

    /// Whether the kernel may make something else of it than it says.
    var needsTunnelTypes: Bool { typedTunnel != nil }

    /// Whether the kernel made something else of it: the server stands in the table, but in another kind of tunnel.
    func isMisread(in found: [Destination]) -> Bool {
        guard let wanted = typedTunnel, let there = found.first(where: { $0.key == wanted.key }) else {
            return false
        }
        return there.forwarding == .tunnel && there.encapsulation != wanted.encapsulation
    }

    /// Why a kernel without tunnel types cannot do it.
    var tunnelError: IPVSError {
        IPVSError(
            .unavailable,
            operation: operation,
            subject: subject,
            explanation:
                "this kernel's IPVS has no gue and gre tunnels and would use ipip: write ipip, or run Linux 5.3 or later"
        )
    }
}

extension IPVSClient {
    /// Reads back what the kernel made of servers in gue and gre tunnels, until it is known whether it can tell them.
    ///
    /// A server that would be reached by another tunnel than configured is taken out again: nobody there unpacks it.
    ///
    /// - Parameter changes: Changes that the kernel says it has done.
    /// - Returns: Those that it has not.
    /// - Throws: ``IPVSError``.
    mutating func verifyTunnels(_ changes: [TableChange]) throws(IPVSError) -> [Failure] {
        guard tunnels == .unknown else {
            return []
        }
        var found: [VirtualServiceKey: [Destination]] = [:]
        var failures: [Failure] = []
        for change in changes where change.needsTunnelTypes {
            let key = change.serviceKey
            if found[key] == nil {
                found[key] = try destinations(of: key, counters: false).map(\.destination)
            }
            if change.isMisread(in: found[key] ?? []) {
                failures.append(Failure(change: change, error: change.tunnelError))
            }
            tunnels = failures.isEmpty ? .all : .ipipOnly
        }
        let removals = failures.compactMap { failure -> TableChange? in
            switch failure.change {
            case .addDestination(let destination, let key), .editDestination(let destination, let key):
                .removeDestination(destination.key, from: key)
            default: nil
            }
        }
        // One that is gone meanwhile is as good.
        _ = try submit(removals)
        return failures
    }
}
