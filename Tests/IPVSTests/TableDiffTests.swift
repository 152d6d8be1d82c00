// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit
import Testing

@Suite struct TableDiffTests {
    @Test func nothingToDo() throws {
        let entry = ServiceEntry(VirtualService(try tcp("10.0.0.1")), destinations: [try server("10.1.0.1")])
        #expect(TableDiff.changes(desired: [entry], current: [entry], owned: []).isEmpty)
        #expect(TableDiff.changes(desired: [], current: [entry], owned: []).isEmpty)
    }

    @Test func defaultsAreNoDifference() throws {
        let key = try tcp("10.0.0.1")
        let wanted = VirtualService(key, persistence: .init(timeoutSeconds: 60, prefixLength: 32))
        let found = VirtualService(key, persistence: .init(timeoutSeconds: 60))
        // The tunnel's kind means nothing to a server that is reached directly.
        var routed = try server("10.1.0.1")
        routed.encapsulation = .gre(flags: 0)
        let current = [ServiceEntry(found, destinations: [try server("10.1.0.1")])]
        let desired = [ServiceEntry(wanted, destinations: [routed])]
        #expect(TableDiff.changes(desired: desired, current: current, owned: [key]).isEmpty)
    }

    @Test func aServerOnTheDirectorItselfIsAsConfigured() throws {
        let service = VirtualService(try tcp("10.0.0.1"))
        var found = try server("127.0.0.1")
        found.forwarding = .local
        let desired = [ServiceEntry(service, destinations: [try server("127.0.0.1")])]
        let current = [ServiceEntry(service, destinations: [found])]
        #expect(TableDiff.changes(desired: desired, current: current, owned: []).isEmpty)
    }

    @Test func additionsFirstRemovalsLast() throws {
        let web = try tcp("10.0.0.1")
        let mail = try tcp("10.0.0.1", 25)
        let gone = try tcp("10.0.0.9")
        let foreign = try tcp("10.0.0.8")
        let current = [
            ServiceEntry(VirtualService(gone), destinations: [try server("10.1.0.1")]),
            ServiceEntry(VirtualService(foreign), destinations: [try server("10.1.0.1")]),
            ServiceEntry(
                VirtualService(web),
                destinations: [
                    try server("10.1.0.1", weight: 5), try server("10.1.0.2"), try server("10.1.0.3", weight: 0),
                ]
            ),
        ]
        let desired = [
            ServiceEntry(
                VirtualService(web, scheduler: "rr"),
                destinations: [
                    try server("10.1.0.1", weight: 0), try server("10.1.0.3", weight: 2), try server("10.1.0.4"),
                ]
            ),
            ServiceEntry(VirtualService(mail), destinations: [try server("10.1.0.4", 25)]),
        ]
        #expect(
            TableDiff.changes(desired: desired, current: current, owned: [web, gone]) == [
                .editService(VirtualService(web, scheduler: "rr")),
                .editDestination(try server("10.1.0.3", weight: 2), of: web),
                .addDestination(try server("10.1.0.4"), to: web),
                .editDestination(try server("10.1.0.1", weight: 0), of: web),
                .addService(VirtualService(mail)),
                .addDestination(try server("10.1.0.4", 25), to: mail),
                .removeDestination(.init(try address("10.1.0.2"), port: 80), from: web),
                .removeService(gone),
            ]
        )
    }

    @Test func theFirstOfTwoEqualKeysCounts() throws {
        let key = try tcp("10.0.0.1")
        let twice = [try server("10.1.0.1", weight: 1), try server("10.1.0.1", weight: 2)]
        let desired = [
            ServiceEntry(VirtualService(key), destinations: twice), ServiceEntry(VirtualService(key, scheduler: "rr")),
        ]
        #expect(
            TableDiff.changes(desired: desired, current: [], owned: []) == [
                .addService(VirtualService(key)), .addDestination(twice[0], to: key),
            ]
        )
    }

    @Test(arguments: 0..<300) func applyingTheChangesGivesTheDesiredTable(_ round: Int) throws {
        var random = SeededGenerator(seed: UInt64(round))
        let current = RandomTable.table(using: &random)
        let desired = RandomTable.table(using: &random)
        let owned = Set(current.map(\.service.key).filter { _ in Bool.random(using: &random) })
        let changes = TableDiff.changes(desired: desired, current: current, owned: owned)
        var table = Table(current)
        for change in changes {
            try table.apply(change)
        }
        let wanted = Set(desired.map(\.service.key))
        let foreign = current.filter { !wanted.contains($0.service.key) && !owned.contains($0.service.key) }
        #expect(table == Table(desired + foreign))
        // Done is done.
        #expect(TableDiff.changes(desired: desired, current: table.entries, owned: owned).isEmpty)
        // Nothing is changed twice, and nothing of others at all.
        #expect(Set(changes).count == changes.count)
        #expect(Set(changes.map(\.serviceKey)).isDisjoint(with: foreign.map(\.service.key)))
    }
}

/// A table that refuses what the kernel refuses.
private struct Table: Equatable {
    private var services: [VirtualServiceKey: VirtualService] = [:]
    private var destinations: [VirtualServiceKey: [Destination.Key: Destination]] = [:]

    struct Refused: Error {}

    init(_ entries: [ServiceEntry]) {
        for entry in entries {
            services[entry.service.key] = entry.service
            destinations[entry.service.key] = Dictionary(uniqueKeysWithValues: entry.destinations.map { ($0.key, $0) })
        }
    }

    var entries: [ServiceEntry] {
        services.values.map { ServiceEntry($0, destinations: Array(destinations[$0.key, default: [:]].values)) }
    }

    mutating func apply(_ change: TableChange) throws {
        let key = change.serviceKey
        if case .addService(let service) = change {
            guard services.updateValue(service, forKey: key) == nil else {
                throw Refused()
            }
            destinations[key] = [:]
            return
        }
        guard services[key] != nil else {
            throw Refused()
        }
        switch change {
        case .addService: break
        case .editService(let service): services[key] = service
        case .removeService:
            services[key] = nil
            destinations[key] = nil
        case .addDestination(let destination, _):
            guard destinations[key]?.updateValue(destination, forKey: destination.key) == nil else {
                throw Refused()
            }
        case .editDestination(let destination, _):
            guard destinations[key]?.updateValue(destination, forKey: destination.key) != nil else {
                throw Refused()
            }
        case .removeDestination(let destination, _):
            guard destinations[key]?.removeValue(forKey: destination) != nil else {
                throw Refused()
            }
        }
    }
}
