// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig
import LDirectorCore
import LinuxKit
import Testing

/// A director on a table that is a value: what it plans is carried out at once, and remembered.
struct Bench {
    var director = Director()
    var table: [ServiceEntry]
    /// Every change since the last look, as text, and the event lines.
    var changes: [String] = []
    var lines: [String] = []
    private var clock = SuspendingClock.now

    init(table: [ServiceEntry] = []) { self.table = table }

    /// The usual site on a table that is empty, started.
    init(_ text: String, table: [ServiceEntry] = []) throws {
        self.init(table: table)
        try install(text)
    }

    static func parse(_ text: String) throws -> Configuration {
        let environment = ConfigurationEnvironment(resolver: NoNames(), directorName: "director") { _ in nil }
        let result = ConfigurationParser(environment: environment).parse(Array(text.utf8), file: "test.cf")
        return try #require(result.configuration, "\(result.diagnostics)")
    }

    mutating func install(_ text: String) throws {
        try install(try Self.parse(text))
    }

    mutating func install(_ configuration: Configuration) throws {
        let former = Set(director.configuration.virtualServers.map(\.identity).map(Self.key))
        clock += .seconds(1)
        try director.install(configuration, table: table, at: clock)
        carryOut(director.synchronisation(with: table, former: former))
    }

    /// A check of this real server gave a result; every plan that asks this address is concerned.
    mutating func check(_ address: String, _ outcome: CheckOutcome) {
        clock += .seconds(1)
        let result = CheckResult(outcome, duration: .milliseconds(1))
        for plan in director.subscribers.keys where "\(plan.first.target.address)" == address {
            let transitions = director.record(result, of: plan, at: clock)
            take(transitions)
        }
    }

    /// What the daemon does with transitions.
    mutating func take(_ transitions: [Transition]) {
        lines += transitions.filter { !$0.concernsTable }.map { "\($0.kind)" }
        carryOut(director.changes(after: transitions.filter(\.concernsTable).map(\.server), current: table))
    }

    /// Time passes, and what was due is done.
    mutating func pass(_ time: Duration) {
        clock += time
        take(director.advance(to: clock))
    }

    /// Somebody put these files into the maintenance directory, and no others are there.
    mutating func maintain(_ files: [String: String], hosts: [String: String] = [:]) throws {
        var names: [IPAddress: String] = [:]
        for (address, name) in hosts {
            names[try #require(IPAddress(address))] = name
        }
        take(director.setMaintenance(MaintenanceFiles(files), hosts: names, at: clock))
    }

    /// An operator's order by the control socket; nil takes it back.
    mutating func order(_ wish: StandingOrder.Wish?, _ server: String) {
        let ids = director.servers(named: server, in: nil)
        let order = wish.map { StandingOrder($0, reason: "by the operator", since: clock) }
        take(director.setOrder(order, for: ids, at: clock))
    }

    mutating func up(_ address: String) { check(address, .up) }
    mutating func fail(_ address: String) { check(address, .down("connection to port 80 refused")) }

    /// What changed since the last look.
    mutating func takeChanges() -> [String] {
        defer { changes = [] }
        return changes
    }

    mutating func carryOut(_ planned: [PlannedChange]) {
        for step in planned {
            changes.append("\(step.change)")
            lines.append(step.line)
            apply(step.change)
        }
    }

    private mutating func apply(_ change: TableChange) {
        let place = table.firstIndex { $0.service.key == change.serviceKey }
        switch change {
        case .addService(let service): table.append(ServiceEntry(service))
        case .removeService(let key): table.removeAll { $0.service.key == key }
        case .editService(let service): place.map { table[$0].service = service }
        case .addDestination(let destination, _): place.map { table[$0].destinations.append(destination) }
        case .removeDestination(let key, _): place.map { table[$0].destinations.removeAll { $0.key == key } }
        case .editDestination(let destination, _):
            if let place, let index = table[place].destinations.firstIndex(where: { $0.key == destination.key }) {
                table[place].destinations[index] = destination
            }
        }
    }

    /// `10.1.0.1:80 w4` for each server of the n-th service, sorted.
    func servers(_ index: Int = 0) -> [String] {
        guard table.indices.contains(index) else {
            return []
        }
        return table[index].destinations.map { "\($0.key) w\($0.weight)" }.sorted()
    }

    static func key(_ identity: ServiceIdentity) -> VirtualServiceKey {
        switch identity {
        case .address(.tcp, let endpoint): .address(.tcp, endpoint.address, port: endpoint.port)
        case .address(.udp, let endpoint): .address(.udp, endpoint.address, port: endpoint.port)
        case .address(.sctp, let endpoint): .address(.sctp, endpoint.address, port: endpoint.port)
        case .firewallMark(let mark, let family): .firewallMark(mark, family)
        }
    }

    static func address(_ text: String, _ port: UInt16) throws -> Destination.Key {
        Destination.Key(try #require(IPAddress(text)), port: port)
    }

    static func service(_ text: String, _ port: UInt16, scheduler: String = "wrr") throws -> VirtualService {
        VirtualService(.address(.tcp, try #require(IPAddress(text)), port: port), scheduler: scheduler)
    }
}

struct NoNames: NameResolver {
    func address(of host: String, family: IPAddress.Family) throws(NameResolutionError) -> IPAddress {
        throw NameResolutionError(reason: "no names in this test")
    }

    func port(of service: String, transport: LDirectorConfig.TransportProtocol) -> UInt16? { nil }
}
