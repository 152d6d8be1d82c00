// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit
import Testing

/// The kernel's table, with ipvsadm as the witness; each test in a network namespace of its own.
@Suite(.needsIPVS, .timeLimit(.minutes(10)))
struct IPVSTableTests {
    @Test func everyKindOfServiceAndServer() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            var guarded = try server("10.1.0.2", 8080, .masquerade, weight: 65535)
            guarded.upperThreshold = 100
            guarded.lowerThreshold = 50
            var gue = try server("fd00::9", 53, .tunnel)
            gue.encapsulation = .gue(port: 6080, flags: 0)
            var gre = try server("fd00::8", 53, .tunnel)
            gre.encapsulation = .gre(flags: 1)
            let table = [
                ServiceEntry(
                    VirtualService(
                        try key(.tcp, "10.0.0.1"),
                        scheduler: "wrr",
                        persistence: .init(timeoutSeconds: 300, prefixLength: 20)
                    ),
                    destinations: [try server("10.1.0.1", weight: 0), guarded, try server("10.1.0.3", 80, .tunnel)]
                ),
                ServiceEntry(
                    VirtualService(
                        try key(.udp, "fd00::1", 53),
                        scheduler: "mh",
                        flags: [.onePacket, .scheduler1, .scheduler2]
                    ),
                    destinations: [gue, gre]
                ),
                ServiceEntry(
                    VirtualService(
                        try key(.udp, "fd00::2", 53),
                        scheduler: "rr",
                        persistence: .init(timeoutSeconds: 60, prefixLength: 64)
                    )
                ),
                ServiceEntry(VirtualService(.firewallMark(7, .ipv4)), destinations: [try server("10.1.0.1", 0)]),
                ServiceEntry(VirtualService(.firewallMark(7, .ipv6)), destinations: [try server("fd00::9", 0)]),
                ServiceEntry(VirtualService(try key(.tcp, "10.0.0.2", 0), persistence: .init(timeoutSeconds: 1))),
            ]
            let changes = TableDiff.changes(desired: table, current: [], owned: [])
            #expect(changes.count == 13)
            #expect(try client.apply(changes) == [])
            #expect(try ipvsadmLines() == IpvsadmText.lines(table))
            #expect(try TableDiff.changes(desired: table, current: client.table().map(\.entry), owned: []) == [])
            let limits = try tool("/usr/sbin/ipvsadm", "-Ln", "--thresholds")
            #expect(limits.contains { $0.isNumber } && limits.contains("100") && limits.contains("50"))
        }
    }

    @Test func everySchedulerByName() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            for name in ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "none"]
            {
                // The kernel loads the scheduler's module; editing changes it in place.
                try client.ensure(.editService(VirtualService(key(.tcp, "10.0.0.1"), scheduler: name)))
                #expect(try client.service(key(.tcp, "10.0.0.1"))?.service.scheduler == name)
            }
        }
    }

    @Test func refusals() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            let web = try key(.tcp, "10.0.0.1")
            try client.ensure(.addService(VirtualService(web)))
            func code(_ change: TableChange) throws -> IPVSError.Code? { try client.apply([change]).first?.error.code }
            #expect(try code(.addService(VirtualService(web, scheduler: "nonesuch"))) == .unknownScheduler)
            #expect(try code(.addDestination(server("10.1.0.1"), to: key(.tcp, "10.0.0.9"))) == .noSuchService)
            #expect(try code(.addDestination(server("224.0.0.1"), to: web)) == .invalid)
            var limits = try server("10.1.0.1")
            limits.upperThreshold = 5
            limits.lowerThreshold = 6
            #expect(try code(.addDestination(limits, to: web)) == .invalid)
            // Another address family needs a tunnel.
            #expect(try code(.addDestination(server("fd00::9"), to: web)) == .invalid)
            #expect(try code(.addDestination(server("fd00::9", 80, .tunnel), to: web)) == nil)
            #expect(try client.service(key(.tcp, "10.0.0.9")) == nil)
            #expect(try client.table().map(\.service.key) == [web])
        }
    }

    @Test func changesAreIdempotent() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            let web = try key(.tcp, "10.0.0.1")
            let adds: [TableChange] = [
                .addService(VirtualService(web)), .addDestination(try server("10.1.0.1"), to: web),
            ]
            #expect(try client.apply(adds + adds) == [])
            // Edits of what is missing add it, the servers of a service that comes only now too.
            let other = try key(.tcp, "10.0.0.2")
            let edits: [TableChange] = [
                .editService(VirtualService(other, scheduler: "rr")),
                .editDestination(try server("10.1.0.1", weight: 9), of: other),
                .editDestination(try server("10.1.0.1", weight: 5), of: web),
            ]
            #expect(try client.apply(edits) == [])
            #expect(
                try ipvsadmLines() == [
                    "-A -t 10.0.0.1:80 -s wlc", "-A -t 10.0.0.2:80 -s rr",
                    "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -g -w 5", "-a -t 10.0.0.2:80 -r 10.1.0.1:80 -g -w 9",
                ]
            )
            let removals: [TableChange] = [
                .removeDestination(try server("10.1.0.1").key, from: web), .removeService(web), .removeService(other),
            ]
            #expect(try client.apply(removals + removals) == [])
            #expect(try ipvsadmLines() == [])
        }
    }

    @Test func foreignServicesStay() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            try tool("/usr/sbin/ipvsadm", "-A", "-t", "10.0.0.9:80", "-s", "rr")
            try tool("/usr/sbin/ipvsadm", "-a", "-t", "10.0.0.9:80", "-r", "10.1.0.9:80", "-g")
            let web = try key(.tcp, "10.0.0.1")
            let mine = ServiceEntry(VirtualService(web), destinations: [try server("10.1.0.1")])
            func converge(_ desired: [ServiceEntry]) throws {
                let current = try client.table().map(\.entry)
                #expect(try client.apply(TableDiff.changes(desired: desired, current: current, owned: [web])) == [])
            }
            try converge([mine])
            #expect(try ipvsadmLines().count == 4)
            try converge([])
            #expect(
                try ipvsadmLines() == ["-A -t 10.0.0.9:80 -s rr", "-a -t 10.0.0.9:80 -r 10.1.0.9:80 -g -w 1"]
            )
        }
    }

    @Test func randomTablesConverge() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            var owned: Set<VirtualServiceKey> = []
            for seed in 0..<40 {
                var random = SeededGenerator(seed: UInt64(seed))
                let desired = try randomTable(using: &random)
                let current = try client.table().map(\.entry)
                let changes = TableDiff.changes(desired: desired, current: current, owned: owned)
                owned = Set(desired.map(\.service.key))
                #expect(try client.apply(changes) == [], "seed \(seed)")
                #expect(try ipvsadmLines() == IpvsadmText.lines(desired), "seed \(seed)")
                let after = try client.table().map(\.entry)
                #expect(TableDiff.changes(desired: desired, current: after, owned: owned) == [], "seed \(seed)")
            }
        }
    }

    @Test func timeoutsInformationAndCounters() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            #expect(try client.information().version == "1.2.1")
            #expect(try client.information().connectionTableSize >= 256)
            try client.setTimeouts(ConnectionTimeouts(tcpSeconds: 600, udpSeconds: 60))
            #expect(
                try client.timeouts() == ConnectionTimeouts(tcpSeconds: 600, tcpFinSeconds: 120, udpSeconds: 60)
            )
            #expect(try tool("/usr/sbin/ipvsadm", "-L", "--timeout").hasSuffix("600 120 60"))
            try client.zeroCounters()
            #expect(try client.table() == [])
            #expect(throws: IPVSError.self) { try client.zeroCounters(of: .firewallMark(1, .ipv4)) }
        }
    }

    @Test func thousandsOfServers() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            let web = try key(.tcp, "10.0.0.1")
            let servers = (0..<10_000).map { number in
                Destination(.init(IPAddress(ipv4: 0x0a01_0000 + UInt32(number) + 1), port: 80), weight: number % 7)
            }
            let wanted = ServiceEntry(VirtualService(web), destinations: servers)
            let clock = ContinuousClock()
            let changes = TableDiff.changes(desired: [wanted], current: [], owned: [])
            var failures: [IPVSClient.Failure] = []
            let adding = try clock.measure { failures = try client.apply(changes) }
            #expect(failures == [])
            var current: [ServiceEntry] = []
            let reading = try clock.measure { current = try client.table().map(\.entry) }
            var differences: [TableChange] = []
            let comparing = clock.measure {
                differences = TableDiff.changes(desired: [wanted], current: current, owned: [web])
            }
            #expect(differences == [])
            print("10000 servers: added in \(adding), read in \(reading), compared in \(comparing)")
            #expect(current.first?.destinations.count == 10_000)
            let removing = try clock.measure { try client.ensure(.removeService(web)) }
            print("removed in \(removing)")
        }
    }

    private func randomTable(using random: inout SeededGenerator) throws -> [ServiceEntry] {
        try (1...4).filter { _ in Bool.random(using: &random) }.map { number in
            let isV4 = number.isMultiple(of: 2)
            let name = try key(number < 3 ? .tcp : .udp, isV4 ? "10.0.0.\(number)" : "fd00::\(number)")
            var service = VirtualService(name, scheduler: ["rr", "wlc", "sh"].randomElement(using: &random) ?? "rr")
            if Bool.random(using: &random) {
                service.persistence = .init(
                    timeoutSeconds: UInt32.random(in: 1...900, using: &random),
                    prefixLength: Int.random(in: 1...(isV4 ? 31 : 127), using: &random)
                )
            }
            let servers = try (1...4).filter { _ in Bool.random(using: &random) }.map { last in
                try server(
                    isV4 ? "10.1.0.\(last)" : "fd00::1:\(last)",
                    80,
                    [.masquerade, .tunnel, .directRouting].randomElement(using: &random) ?? .masquerade,
                    weight: Int.random(in: 0...2, using: &random)
                )
            }
            return ServiceEntry(service, destinations: servers)
        }
    }
}

/// SplitMix64: the same numbers for the same seed, which names the failing round.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
