// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

/// Where an address goes: interface, prefix and broadcast, from the parameters and the kernel's routes ("findif").
struct Placement: Sendable, Equatable {
    let link: NetworkLink
    let prefix: UInt8
    let broadcast: IPAddress?
    /// The metric for the prefix route of an IPv6 address.
    let metric: UInt32?

    /// Chooses interface, prefix and broadcast.
    ///
    /// Directly connected routes of the main table that contain the address count, never the default route. The
    /// longest prefix wins, then the lowest metric, then a device with an address in that subnet, then the lowest index.
    ///
    /// - Throws: ``OCFError`` with ``OCFExit/configured`` for an impossible parameter and ``OCFExit/generic`` when no
    ///   route tells what the parameters leave open.
    static func derive(_ settings: AddressSettings, _ view: NetworkView) throws(OCFError) -> Placement {
        if let problem = settings.placementProblem {
            throw OCFError(.configured, problem)
        }
        guard let address = settings.address else {
            throw OCFError(.configured, "ip is not an address")
        }
        var given: NetworkLink?
        if !settings.nic.isEmpty {
            guard let link = view.link(named: settings.nic) else {
                throw OCFError(.configured, "interface nic=\"\(settings.nic)\" does not exist here")
            }
            given = link
        }
        let route = bestRoute(address, settings, on: given, view)
        let routeLink = route?.interfaceIndex.flatMap(view.link)
        guard let link = given ?? routeLink else {
            throw OCFError(
                .generic,
                "no directly connected route contains \(address): set nic and cidr_netmask, or configure the network"
            )
        }
        guard let prefix = settings.prefix ?? route?.prefixLength else {
            throw OCFError(
                .generic,
                "no route on \(link.name) contains \(address): set cidr_netmask, or configure the network"
            )
        }
        return Placement(
            link: link,
            prefix: prefix,
            broadcast: broadcast(address, prefix, settings, route, view),
            metric: address.family == .ipv6 ? route?.metric : nil
        )
    }

    private static func bestRoute(
        _ address: IPAddress,
        _ settings: AddressSettings,
        on link: NetworkLink?,
        _ view: NetworkView
    ) -> Route? {
        let candidates = view.routes.filter { route in
            guard let index = route.interfaceIndex, view.link(index) != nil, route.prefixLength > 0,
                route.contains(address)
            else {
                return false
            }
            return (link == nil || link?.index == index)
                && (settings.prefix.map { route.prefixLength <= $0 } ?? true)
                && (settings.routeOrigin.map { route.origin == $0 } ?? true)
        }
        let connected = candidates.filter { route in
            route.table == Route.mainTable && route.kind == .unicast
                && (address.family == .ipv6
                    || (route.scope == InterfaceAddress.Scope.link.rawValue && route.gateway == nil))
        }
        // 127/8 is in the local table only.
        let usable =
            connected.isEmpty && address.isLoopback && address.family == .ipv4
            ? candidates.filter { $0.table == Route.localTable && $0.kind == .local && $0.prefixLength < 32 }
            : connected
        return usable.min { rank($0, view).lexicographicallyPrecedes(rank($1, view)) }
    }

    /// Smaller is better, element by element.
    private static func rank(_ route: Route, _ view: NetworkView) -> [Int] {
        let metric = route.metric.map(Int.init) ?? (route.destination.family == .ipv6 ? 1024 : 0)
        let hasAddress = view.addresses.contains {
            $0.interfaceIndex == route.interfaceIndex && route.contains($0.address)
        }
        return [-Int(route.prefixLength), metric, hasAddress ? 0 : 1, Int(route.interfaceIndex ?? .max)]
    }

    private static func broadcast(
        _ address: IPAddress,
        _ prefix: UInt8,
        _ settings: AddressSettings,
        _ route: Route?,
        _ view: NetworkView
    ) -> IPAddress? {
        guard let value = address.ipv4Value else {
            return nil
        }
        let hostBits: UInt32 = prefix >= 32 ? 0 : .max >> prefix
        switch settings.broadcast {
        case .highest: return IPAddress(ipv4: value | hostBits)
        case .lowest: return IPAddress(ipv4: value & ~hostBits)
        case .literal(let literal): return literal
        case .derived:
            // Not computed from the prefix: a /32 in a /24 keeps the broadcast of the subnet it lives in.
            guard let source = route?.preferredSource else {
                return nil
            }
            return view.addresses.first { $0.address == source && $0.interfaceIndex == route?.interfaceIndex }?
                .broadcast
        }
    }

    /// The interface label; nil when none is asked for.
    ///
    /// - Throws: ``OCFError`` when it is longer than the kernel's 15 characters.
    func label(_ settings: AddressSettings) throws(OCFError) -> String? {
        guard let label = settings.label(on: link.name) else {
            return nil
        }
        guard label.utf8.count <= 15 else {
            throw OCFError(.configured, "label \"\(label)\" is longer than 15 characters: shorten iflabel")
        }
        return label
    }
}
