// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

/// What the kernel knows at one moment, as far as an address agent asks: a value, so that decisions are pure.
struct NetworkView: Sendable {
    var links: [NetworkLink]
    var addresses: [InterfaceAddress]
    var routes: [Route]

    init(links: [NetworkLink], addresses: [InterfaceAddress], routes: [Route] = []) {
        self.links = links
        self.addresses = addresses
        self.routes = routes
    }

    /// Reads links and the addresses of a family, and its routes if asked.
    static func read(
        _ socket: borrowing NetlinkSocket,
        _ family: IPAddress.Family,
        routes: Bool = false
    ) throws(NetlinkError) -> NetworkView {
        NetworkView(
            links: try socket.links(),
            addresses: try socket.addresses(family),
            routes: routes ? try socket.routes(family) : []
        )
    }

    func link(_ index: Int32) -> NetworkLink? { links.first { $0.index == index } }

    func link(named name: String) -> NetworkLink? {
        links.first { $0.name == name } ?? links.first { $0.isNamed(name) }
    }
}

/// An address and the interface that holds it.
struct AddressHolder: Sendable, Equatable {
    let link: NetworkLink
    let address: InterfaceAddress
}

/// How an address stands.
enum AddressState: Sendable, Equatable {
    case absent
    case usable
    /// Present on a link whose operational state says that nothing passes.
    case linkDown(link: String, state: NetworkLink.OperationalState)
    /// Present without the label that is asked for.
    case labelMissing(link: String, label: String)
    /// IPv6: another host owns it.
    case duplicate(link: String)
    /// Present on another interface, while the one it belongs on does not exist: renamed with the address on it.
    case misplaced(link: String, nic: String)

    /// Judges the holders: one good holder is enough, otherwise the first one's trouble counts.
    static func judge(_ holders: [AddressHolder], _ settings: AddressSettings) -> AddressState {
        let states = holders.map { holder -> AddressState in
            let link = holder.link
            if !settings.nic.isEmpty && !link.isNamed(settings.nic) {
                return .misplaced(link: link.name, nic: settings.nic)
            }
            if holder.address.flags.contains(.duplicate) {
                return .duplicate(link: link.name)
            }
            if settings.checksLink && [.down, .lowerLayerDown].contains(link.state) {
                return .linkDown(link: link.name, state: link.state)
            }
            if let label = settings.label(on: link.name), holder.address.label != label,
                !link.alternativeNames.contains(where: { settings.label(on: $0) == holder.address.label })
            {
                return .labelMissing(link: link.name, label: label)
            }
            return .usable
        }
        return states.contains(.usable) ? .usable : states.first ?? .absent
    }
}

extension NetworkView {
    /// Who holds the address of a resource: on nic if that is given and exists, else anywhere but on loopback devices.
    ///
    /// An interface that is renamed keeps its addresses: whoever looked only at the old name would leave a duplicate behind.
    /// Link-local addresses are the exception, they mean something else on every interface.
    ///
    /// The prefix has to match only if it was given. No route is asked, so an address is found although its route,
    /// the base address or the link have gone: overlooking it would leave a duplicate behind after a fail-over.
    func holders(_ settings: AddressSettings) -> [AddressHolder] {
        guard let wanted = settings.address else {
            return []
        }
        let isAnywhere = settings.nic.isEmpty || !wanted.isLinkLocal && link(named: settings.nic) == nil
        return addresses.compactMap { address in
            guard address.address == wanted, settings.prefix == nil || settings.prefix == address.prefixLength,
                let link = link(address.interfaceIndex), !Self.isIPsecAlias(link.name)
            else {
                return nil
            }
            let isOurs = isAnywhere ? wanted.isLoopback || !link.name.hasPrefix("lo") : link.isNamed(settings.nic)
            return isOurs ? AddressHolder(link: link, address: address) : nil
        }
    }

    /// KLIPS gave its `ipsec<N>` devices a copy of the address of the device under them.
    private static func isIPsecAlias(_ name: String) -> Bool {
        name.hasPrefix("ipsec") && AgentEnvironment.decimal(String(name.dropFirst(5))) != nil
    }

    /// The secondary addresses that the kernel deletes with a primary one unless `promote_secondaries` is set.
    func dependants(of address: InterfaceAddress) -> [InterfaceAddress] {
        guard address.address.family == .ipv4, !address.flags.contains(.secondary) else {
            return []
        }
        return addresses.filter {
            $0.interfaceIndex == address.interfaceIndex && $0.prefixLength == address.prefixLength
                && $0.address != address.address && $0.flags.contains(.secondary)
                && $0.address.hasPrefix(address.address, length: address.prefixLength)
        }
    }
}
