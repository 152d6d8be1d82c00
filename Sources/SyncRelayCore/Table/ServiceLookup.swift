// SPDX-License-Identifier: Apache-2.0
public import IPVS
import LinuxKit

/// Finds what the table does not tell of a connection: the forwarding method and the firewall mark.
public struct ServiceLookup: Sendable {
    /// What was found.
    public struct Match: Equatable, Sendable {
        /// How packets reach the server.
        public let method: Destination.ForwardingMethod
        /// The service's mark, 0 when it has none.
        public let mark: UInt32
    }

    private struct Server: Hashable {
        let family: IPAddress.Family
        let end: SocketAddress
    }

    private struct Entry {
        var methods: [SocketAddress: Destination.ForwardingMethod] = [:]
        var usual: Destination.ForwardingMethod?
    }

    private var services: [VirtualServiceKey: Entry] = [:]
    private var marked: [Server: (mark: UInt32, method: Destination.ForwardingMethod)] = [:]

    /// Takes the services of this director.
    public init(_ table: [ObservedService]) {
        for observed in table {
            // A persistence engine's data is told nowhere, and without it the connection would be another one.
            guard observed.service.persistenceEngine == nil else {
                continue
            }
            var entry = Entry()
            for destination in observed.destinations.map(\.destination) {
                let end = SocketAddress(destination.key.address, port: destination.key.port)
                entry.methods[end] = destination.forwarding
                entry.usual = entry.usual ?? destination.forwarding
                if case .firewallMark(let mark, let family) = observed.service.key {
                    marked[Server(family: family, end: end)] = (mark, destination.forwarding)
                }
            }
            services[observed.service.key] = entry
        }
    }

    /// What belongs to an entry; nil when no service here does.
    public func match(_ entry: TableEntry) -> Match? {
        let virtual = entry.key.virtual
        let transport = TransportProtocol(rawValue: UInt16(entry.key.transport))
        if entry.key.transport == 0 {
            // The template of a marked service has the mark for an address.
            let mark = virtual.address.ipv4Value ?? virtual.address.bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
            let key = VirtualServiceKey.firewallMark(mark, virtual.address.family)
            return services[key].flatMap { method($0, entry.destination) }.map { Match(method: $0, mark: mark) }
        }
        for port in [virtual.port, 0] {
            let key = VirtualServiceKey.address(transport, virtual.address, port: port)
            if let found = services[key].flatMap({ method($0, entry.destination) }) {
                return Match(method: found, mark: 0)
            }
        }
        for port in [entry.destination.port, 0] {
            let end = SocketAddress(entry.destination.address, port: port)
            if let found = marked[Server(family: virtual.address.family, end: end)] {
                return Match(method: found.method, mark: found.mark)
            }
        }
        return nil
    }

    /// A server that was removed while its connections go on had most likely the method of the others.
    private func method(_ entry: Entry, _ server: SocketAddress) -> Destination.ForwardingMethod? {
        entry.methods[server] ?? entry.methods[SocketAddress(server.address, port: 0)] ?? entry.usual
    }
}
