// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig
import LDirectorCore
import LinuxKit
import Testing

/// Decisions without I/O; names are those of the acceptance cases (A) and the known quirks (Q).
struct DirectorTests {
    private func site(_ options: String = "", globals: String = "", reals: [String]? = nil) -> String {
        let reals = reals ?? ["10.1.0.1:80 masq 4", "10.1.0.2:80 masq 2"]
        let lines = reals.map { "\treal=\($0)\n" }.joined()
        let block = options.split(separator: "\n").map { "\t\($0)\n" }.joined()
        return "\(globals)\nvirtual=10.9.0.1:80\n\(lines)\tchecktype=connect\n\(block)"
    }

    @Test func A16_failureDeletesAndRecoveryAdds() throws {
        var bench = try Bench(site())
        #expect(bench.servers() == [])
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        #expect(bench.servers() == ["10.1.0.1:80 w4", "10.1.0.2:80 w2"])
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        #expect(
            bench.lines.last
                == "Deleted real server: 10.1.0.1:80 (10.9.0.1:80): connection to port 80 refused"
        )
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w4", "10.1.0.2:80 w2"])
        #expect(bench.lines.last == "Added real server: 10.1.0.1:80 (10.9.0.1:80) (Weight set to 4): ok")
    }

    @Test func A17_quiescentKeepsTheEntryWithWeightZero() throws {
        var bench = try Bench(site("quiescent=yes\npersistent=600"))
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0"])
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w2"])
        #expect(bench.table[0].service.persistence?.timeoutSeconds == 600)
        #expect(!bench.changes.contains { $0.hasPrefix("remove") })
        #expect(
            bench.lines.contains { $0.hasPrefix("Restored real server: 10.1.0.2:80 (10.9.0.1:80) (Weight set to 2)") }
        )
        #expect(
            bench.lines.last?.hasPrefix("Quiescent real server: 10.1.0.1:80 (10.9.0.1:80) (Weight set to 0)") == true
        )
    }

    @Test func A18_failurecount() throws {
        var bench = try Bench(site("failurecount=3"))
        bench.up("10.1.0.1")
        for _ in 0..<2 {
            bench.fail("10.1.0.1")
        }
        bench.up("10.1.0.1")
        for _ in 0..<2 {
            bench.fail("10.1.0.1")
        }
        #expect(bench.servers() == ["10.1.0.1:80 w4"])
        bench.fail("10.1.0.1")
        #expect(bench.servers() == [])
        let soft = "softFailure"
        #expect(bench.lines.filter { $0.hasPrefix(soft) }.count == 4)
        #expect(bench.lines.filter { $0.hasPrefix("reset(after: 2)") }.count == 1)
    }

    @Test func A19_fallback() throws {
        var bench = try Bench(site("quiescent=yes\nfallback=127.0.0.1:8080 gate"))
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0", "127.0.0.1:80 w1"])
        bench.up("10.1.0.2")
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w2"])
        bench.fail("10.1.0.2")
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0", "127.0.0.1:80 w1"])
        #expect(
            bench.lines.contains { $0.hasPrefix("Added fallback server: 127.0.0.1:80 (10.9.0.1:80) (Weight set to 1)") }
        )
        #expect(bench.lines.contains { $0.hasPrefix("Deleted fallback server: 127.0.0.1:80 (10.9.0.1:80)") })
    }

    @Test func A19_aServerComesBeforeTheFallbackGoes() throws {
        var bench = try Bench(site("fallback=127.0.0.1:80"))
        _ = bench.takeChanges()
        bench.up("10.1.0.1")
        let changes = bench.takeChanges()
        #expect(changes.count == 2)
        #expect(changes.first?.hasPrefix("add real server 10.1.0.1:80") == true)
        bench.fail("10.1.0.1")
        #expect(bench.takeChanges().first?.hasPrefix("add real server 127.0.0.1:80") == true)
    }

    @Test func A20_globalFallbackTakesThePortOfEachVirtual() throws {
        let text = """
            fallback=10.1.0.50 masq
            virtual=10.9.0.1:80
            \treal=10.1.0.1:80 masq
            \tchecktype=connect
            virtual=10.9.0.1:443
            \treal=10.1.0.1:443 masq
            \tchecktype=connect
            """
        let bench = try Bench(text)
        #expect(bench.servers(0) == ["10.1.0.50:80 w1"])
        #expect(bench.servers(1) == ["10.1.0.50:443 w1"])
    }

    @Test func A23_startOnAnExistingTable() throws {
        var own = ServiceEntry(try Bench.service("10.9.0.1", 80, scheduler: "rr"))
        own.service.persistence = VirtualService.Persistence(timeoutSeconds: 300)
        own.destinations = [
            Destination(try Bench.address("10.1.0.1", 80), forwarding: .masquerade, weight: 9),
            Destination(try Bench.address("10.1.0.77", 80), forwarding: .masquerade, weight: 1),
        ]
        let foreign = ServiceEntry(
            try Bench.service("10.9.0.9", 25),
            destinations: [Destination(try Bench.address("10.1.0.5", 25))]
        )
        var bench = try Bench(site(), table: [own, foreign])
        #expect(bench.servers() == ["10.1.0.1:80 w4"])
        #expect(bench.table[0].service.scheduler == "wrr")
        #expect(bench.table[0].service.persistence == nil)
        #expect(bench.table[1] == foreign)
        #expect(
            bench.takeChanges() == [
                "edit service TCP 10.9.0.1:80 scheduler wrr",
                "edit real server 10.1.0.1:80 weight 4 of TCP 10.9.0.1:80",
                "remove real server 10.1.0.77:80 of TCP 10.9.0.1:80",
            ]
        )
        #expect(bench.lines.last == "Purged real server: 10.1.0.77:80 (10.9.0.1:80)")
        bench.up("10.1.0.1")
        #expect(bench.takeChanges() == [])
    }

    @Test func A24_Q9_noFullWeightBeforeTheFirstCheck() throws {
        let own = ServiceEntry(
            try Bench.service("10.9.0.1", 80),
            destinations: [Destination(try Bench.address("10.1.0.1", 80), forwarding: .masquerade, weight: 0)]
        )
        var bench = try Bench(site("quiescent=yes"), table: [own])
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0"])
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0"])
        #expect(bench.takeChanges() == ["add real server 10.1.0.2:80 weight 0 of TCP 10.9.0.1:80"])
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w4", "10.1.0.2:80 w0"])
    }

    @Test func A25_reloadChangesOnlyWhatDiffers() throws {
        var bench = try Bench(site(reals: ["10.1.0.1:80 masq 2", "10.1.0.2:80 masq 2"]))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        _ = bench.takeChanges()
        try bench.install(site("scheduler=rr", reals: ["10.1.0.1:80 masq 6", "10.1.0.3:80 masq 1"]))
        #expect(
            bench.takeChanges() == [
                "edit service TCP 10.9.0.1:80 scheduler rr", "edit real server 10.1.0.1:80 weight 6 of TCP 10.9.0.1:80",
                "remove real server 10.1.0.2:80 of TCP 10.9.0.1:80",
            ]
        )
        bench.up("10.1.0.3")
        #expect(bench.servers() == ["10.1.0.1:80 w6", "10.1.0.3:80 w1"])
    }

    @Test func A25_reloadWithoutDifferenceChangesNothing() throws {
        var bench = try Bench(site("quiescent=yes\nfallback=127.0.0.1:80"))
        bench.up("10.1.0.1")
        _ = bench.takeChanges()
        try bench.install(site("quiescent=yes\nfallback=127.0.0.1:80"))
        #expect(bench.takeChanges() == [])
    }

    @Test func A25_reloadKeepsCounters() throws {
        var bench = try Bench(site("failurecount=3"))
        bench.up("10.1.0.1")
        bench.fail("10.1.0.1")
        bench.fail("10.1.0.1")
        try bench.install(site("failurecount=3\nscheduler=rr"))
        bench.fail("10.1.0.1")
        #expect(bench.servers() == [])
    }

    @Test func A25_reloadOfTheCheckKeepsAGoodServerAndForgetsItsFailures() throws {
        var bench = try Bench(site("failurecount=2"))
        bench.up("10.1.0.1")
        bench.fail("10.1.0.1")
        _ = bench.takeChanges()
        try bench.install(site("failurecount=2\nchecktimeout=3"))
        #expect(bench.takeChanges() == [])
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w4"])
    }

    @Test func A26_reloadRemovesAWholeVirtual() throws {
        let second = "\nvirtual=10.9.0.2:80\n\treal=10.1.0.3:80 masq\n\tchecktype=connect\n"
        var bench = try Bench(site() + second)
        bench.up("10.1.0.1")
        bench.up("10.1.0.3")
        _ = bench.takeChanges()
        try bench.install(site())
        #expect(bench.takeChanges() == ["remove service TCP 10.9.0.2:80"])
    }

    @Test func A36_onAndOff() throws {
        #expect(try Bench(site("checktype=on")).servers() == ["10.1.0.1:80 w4", "10.1.0.2:80 w2"])
        #expect(try Bench(site("checktype=on")).director.subscribers.isEmpty)
        let off = try Bench(site("checktype=off\nquiescent=yes\nfallback=127.0.0.1"))
        #expect(off.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0", "127.0.0.1:80 w1"])
    }

    @Test func A37_cleanstopPerVirtual() throws {
        let second = "\nvirtual=10.9.0.2:80\n\treal=10.1.0.3:80 masq\n\tchecktype=connect\n\tcleanstop=yes\n"
        var bench = try Bench(site("quiescent=yes", globals: "cleanstop=no") + second)
        bench.carryOut(bench.director.cleanup(of: bench.table))
        #expect(bench.table.count == 1)
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0"])
    }

    @Test func A43_Q10_sharedServersCountForThemselves() throws {
        let second = "\nvirtual=10.9.0.2:80\n\treal=10.1.0.1:80 masq\n\tchecktype=connect\n\tfailurecount=2\n"
        var bench = try Bench(site("failurecount=4") + second)
        #expect(bench.director.subscribers.values.contains { $0.count == 2 })
        bench.up("10.1.0.1")
        #expect(bench.servers(0) == ["10.1.0.1:80 w4"])
        #expect(bench.servers(1) == ["10.1.0.1:80 w1"])
        for _ in 0..<2 {
            bench.fail("10.1.0.1")
        }
        #expect(bench.servers(1) == [])
        bench.fail("10.1.0.1")
        #expect(bench.servers(0) == ["10.1.0.1:80 w4"])
        bench.fail("10.1.0.1")
        #expect(bench.servers(0) == [])
    }

    @Test func A44_Q3_gateUsesTheVirtualPort() throws {
        var bench = try Bench(site("quiescent=yes", reals: ["10.1.0.1:8080 gate 5"]))
        #expect(bench.servers() == ["10.1.0.1:80 w0"])
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w5"])
        #expect(bench.lines.last?.contains("10.1.0.1:80 mapped from 10.1.0.1:8080 (10.9.0.1:80)") == true)
    }

    @Test func Q13_fallbackThatIsARealServer() throws {
        var bench = try Bench(site("fallback=10.1.0.1:80 masq", reals: ["10.1.0.1:80 masq 4"]))
        #expect(bench.servers() == ["10.1.0.1:80 w1"])
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w4"])
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w1"])
    }

    @Test func Q16_globalFallbackAppliesToMarks() throws {
        let bench = try Bench("fallback=10.1.0.50 masq\nvirtual=5\n\treal=10.1.0.1 gate\n\tchecktype=ping\n")
        #expect(bench.servers() == ["10.1.0.50:0 w1"])
    }

    @Test func Q23_changesByHandStayUntilATransition() throws {
        var bench = try Bench(site())
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        bench.table[0].destinations[1].weight = 9
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.2:80 w9"])
        bench.table[0].destinations = []
        bench.fail("10.1.0.2")
        #expect(bench.servers() == [])
    }

    @Test(arguments: [(false, [String]()), (true, ["10.1.0.1:80 w0"])])
    func readdquiescent(_ readds: Bool, _ expected: [String]) throws {
        let globals = "readdquiescent=\(readds ? "yes" : "no")"
        var bench = try Bench(site("quiescent=yes", globals: globals, reals: ["10.1.0.1:80 masq 4"]))
        bench.up("10.1.0.1")
        bench.table[0].destinations = []
        bench.fail("10.1.0.1")
        #expect(bench.servers() == expected)
    }

    @Test func Q37_quiescingKeepsThresholds() throws {
        var bench = try Bench(site("quiescent=yes", reals: ["10.1.0.1:80 masq 4 l:10 u:20"]))
        bench.up("10.1.0.1")
        bench.fail("10.1.0.1")
        #expect(bench.table[0].destinations.map(\.upperThreshold) == [20])
        #expect(bench.table[0].destinations.map(\.lowerThreshold) == [10])
    }

    @Test func weightZeroCountsAsUp() throws {
        var bench = try Bench(site("fallback=127.0.0.1", reals: ["10.1.0.1:80 masq 0"]))
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w0"])
    }

    @Test func aVirtualServerRemovedByHandStaysRemoved() throws {
        var bench = try Bench(site())
        bench.table = []
        bench.up("10.1.0.1")
        #expect(bench.table.isEmpty)
    }

    @Test func anUnsupportedServiceIsAnErrorAndChangesNothing() throws {
        var bench = try Bench(site())
        let oracle = "virtual=10.9.0.3:1521\n\treal=10.1.0.1:1521 masq\n"
        #expect(throws: CheckPlanner.Unsupported.self) { try bench.install(oracle) }
        #expect(bench.director.configuration.virtualServers.count == 1)
    }
}
