// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

/// One dump of links and addresses as the members of an address set see it.
struct AddressSetView: Sendable {
    /// The dump as it came.
    let whole: NetworkView
    /// Who holds each member, in the order of the members.
    let holders: [[AddressHolder]]
    /// How each member stands.
    let states: [AddressState]

    /// Reads links and addresses once, and the routes if asked.
    static func read(
        _ socket: borrowing NetlinkSocket,
        _ set: [AddressSettings],
        routes: Bool = false
    ) throws(NetlinkError) -> AddressSetView {
        let hasIPv4 = set.contains { $0.address?.family == .ipv4 }
        let hasIPv6 = set.contains { $0.address?.family == .ipv6 }
        var view = NetworkView(links: try socket.links(), addresses: try addresses(socket, set))
        if routes {
            // Every address adds a route to the local table; of those only loopback addresses need any.
            let table = set.contains { $0.address?.isLoopback == true } ? nil : Route.mainTable
            view.routes =
                (hasIPv4 ? try socket.routes(.ipv4, table: table) : [])
                + (hasIPv6 ? try socket.routes(.ipv6, table: table) : [])
        }
        return AddressSetView(view, set)
    }

    /// Reads the addresses anew, not the links.
    func again(
        _ socket: borrowing NetlinkSocket,
        _ set: [AddressSettings]
    ) throws(NetlinkError) -> AddressSetView {
        AddressSetView(NetworkView(links: whole.links, addresses: try Self.addresses(socket, set)), set)
    }

    private static func addresses(
        _ socket: borrowing NetlinkSocket,
        _ set: [AddressSettings]
    ) throws(NetlinkError) -> [InterfaceAddress] {
        let families = Set(set.compactMap(\.address?.family))
        return try socket.addresses(families.count == 1 ? families.first : nil)
    }

    init(_ view: NetworkView, _ set: [AddressSettings]) {
        whole = view
        // By address, so that a thousand members cost a thousand look-ups and not a million comparisons.
        var places: [IPAddress: [InterfaceAddress]] = [:]
        for address in view.addresses {
            places[address.address, default: []].append(address)
        }
        var holders: [[AddressHolder]] = []
        holders.reserveCapacity(set.count)
        for settings in set {
            let found = settings.address.flatMap { places[$0] } ?? []
            holders.append(found.isEmpty ? [] : NetworkView(links: view.links, addresses: found).holders(settings))
        }
        self.holders = holders
        states = zip(holders, set).map { AddressState.judge($0, $1) }
    }

    /// How the whole set stands.
    var state: AddressSetState {
        let missing = states.indices.filter { states[$0] == .absent }
        if missing.count == states.count {
            return .absent
        }
        if !missing.isEmpty {
            return .partial(missing: missing)
        }
        if let first = states.firstIndex(where: { $0 != .usable }) {
            return .troubled(member: first)
        }
        return .usable
    }
}

/// How a set of addresses stands.
enum AddressSetState: Sendable, Equatable {
    case absent
    case usable
    /// Some are there and some are not; the numbers of those that are not.
    case partial(missing: [Int])
    /// All are there, but this one is not usable.
    case troubled(member: Int)
}

extension Placement {
    /// Chooses interface, prefix and broadcast for every member, with one look at the routes.
    ///
    /// - Throws: ``OCFError`` of the first member that cannot be placed.
    static func derive(_ set: [AddressSettings], _ view: NetworkView) throws(OCFError) -> [Placement] {
        var placements: [Placement] = []
        placements.reserveCapacity(set.count)
        for settings in set {
            placements.append(try derive(settings, view))
        }
        return placements
    }
}
