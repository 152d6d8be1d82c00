// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig
import LDirectorCore
import LinuxKit
import Testing

/// risecount, warmup and depoolthreshold.
@Suite struct RecoveryTests {
    private func site(_ count: Int, _ options: String...) -> String {
        let reals = (1...count).map { "\treal=10.1.0.\($0):80 masq \($0)\n" }.joined()
        return "virtual=10.9.0.1:80\n\(reals)\tchecktype=connect\n" + options.map { "\t\($0)\n" }.joined()
    }

    @Test func risecountAppliesToServersThatFailed() throws {
        var bench = try Bench(site(2, "risecount=3"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        // At start nobody has failed: waiting would only prolong a switch of directors.
        #expect(bench.servers() == ["10.1.0.1:80 w1", "10.1.0.2:80 w2"])
        bench.fail("10.1.0.1")
        bench.up("10.1.0.1")
        bench.up("10.1.0.1")
        bench.fail("10.1.0.1")
        bench.up("10.1.0.1")
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        #expect(bench.lines.suffix(2) == ["rising(1, of: 3)", "rising(2, of: 3)"])
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w1", "10.1.0.2:80 w2"])
    }

    @Test func warmupDelaysARecoveredServer() throws {
        var bench = try Bench(site(2, "warmup=30", "quiescent=yes"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        bench.fail("10.1.0.1")
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w2"])
        #expect(bench.lines.last == "warmingUp(30.0 seconds)")
        bench.pass(.seconds(20))
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w2"])
        #expect(bench.director.nextDeadline != nil)
        bench.pass(.seconds(10))
        #expect(bench.servers() == ["10.1.0.1:80 w1", "10.1.0.2:80 w2"])
        #expect(bench.director.nextDeadline == nil)
    }

    @Test func aFailureStartsTheWarmupAgain() throws {
        var bench = try Bench(site(2, "warmup=30"))
        bench.up("10.1.0.2")
        bench.fail("10.1.0.1")
        bench.up("10.1.0.1")
        bench.fail("10.1.0.1")
        bench.pass(.seconds(60))
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        bench.up("10.1.0.1")
        bench.pass(.seconds(31))
        #expect(bench.servers() == ["10.1.0.1:80 w1", "10.1.0.2:80 w2"])
    }

    @Test func noWarmupWhereNoOtherServerIsUp() throws {
        var bench = try Bench(site(2, "warmup=30", "fallback=127.0.0.1"))
        bench.fail("10.1.0.1")
        bench.fail("10.1.0.2")
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w1"])
        bench.up("10.1.0.2")
        #expect(bench.servers() == ["10.1.0.1:80 w1"])
        // The other one goes meanwhile: whoever is nearly ready has to help out.
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
    }

    @Test func depoolthresholdKeepsTheLastServers() throws {
        var bench = try Bench(site(4, "depoolthreshold=50", "quiescent=yes", "failurecount=2"))
        for last in 1...4 {
            bench.up("10.1.0.\(last)")
        }
        for last in [1, 2, 3, 4, 1, 2, 3, 4, 3, 4] {
            bench.fail("10.1.0.\(last)")
        }
        #expect(bench.servers() == ["10.1.0.1:80 w0", "10.1.0.2:80 w0", "10.1.0.3:80 w3", "10.1.0.4:80 w4"])
        #expect(bench.lines.suffix(2) == ["retained(percent: 50)", "retained(percent: 50)"])
        // The first server that recovers lets the one go that failed first.
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w1", "10.1.0.2:80 w0", "10.1.0.3:80 w0", "10.1.0.4:80 w4"])
        // A kept server that answers again is an ordinary one.
        bench.up("10.1.0.4")
        bench.up("10.1.0.2")
        bench.fail("10.1.0.4")
        #expect(bench.servers() == ["10.1.0.1:80 w1", "10.1.0.2:80 w2", "10.1.0.3:80 w0", "10.1.0.4:80 w4"])
    }

    @Test func depoolthresholdDoesNotBindTheOperator() throws {
        var bench = try Bench(site(2, "depoolthreshold=50"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        bench.order(.out, "10.1.0.1")
        bench.order(.out, "10.1.0.2")
        #expect(bench.servers() == [])
    }

    @Test func aServerInWarmupDoesNotBringTheFallback() throws {
        var bench = try Bench(site(2, "warmup=30", "depoolthreshold=50", "fallback=127.0.0.1"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        bench.fail("10.1.0.1")
        bench.fail("10.1.0.2")
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        // Nobody good is up, so there is no warm-up; and the failed one may go now.
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w1"])
    }

    @Test func aReloadKeepsWarmupAndRetention() throws {
        var bench = try Bench(site(2, "warmup=30", "depoolthreshold=50"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        bench.fail("10.1.0.1")
        bench.up("10.1.0.1")
        try bench.install(site(2, "warmup=30", "depoolthreshold=50", "scheduler=rr"))
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        bench.pass(.seconds(31))
        #expect(bench.servers() == ["10.1.0.1:80 w1", "10.1.0.2:80 w2"])
        bench.fail("10.1.0.1")
        bench.fail("10.1.0.2")
        try bench.install(site(2, "depoolthreshold=50"))
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        try bench.install(site(2))
        #expect(bench.servers() == [])
    }

    @Test func reconcile() throws {
        for (word, expected) in [
            ("off", [String]()), ("missing", ["10.1.0.1:80 w1", "10.1.0.2:80 w9", "10.1.0.77:80 w1"]),
        ] {
            var bench = try Bench(site(2, "reconcile=\(word)"))
            bench.up("10.1.0.1")
            bench.up("10.1.0.2")
            bench.table[0].destinations.removeAll { "\($0.key)" == "10.1.0.1:80" }
            bench.table[0].destinations[0].weight = 9
            bench.table[0].destinations.append(Destination(try Bench.address("10.1.0.77", 80), forwarding: .masquerade))
            bench.carryOut(bench.director.repairs(of: bench.table))
            if word != "off" {
                #expect(bench.servers() == expected)
            } else {
                #expect(bench.servers() == ["10.1.0.2:80 w9", "10.1.0.77:80 w1"])
            }
            bench.table = []
            bench.carryOut(bench.director.repairs(of: bench.table))
            #expect(bench.servers() == (word == "off" ? [] : ["10.1.0.1:80 w1", "10.1.0.2:80 w2"]))
        }
        var bench = try Bench(site(2, "reconcile=all"))
        bench.up("10.1.0.2")
        bench.table[0].destinations[0].weight = 9
        bench.table[0].service.scheduler = "rr"
        bench.table[0].destinations.append(Destination(try Bench.address("10.1.0.77", 80), forwarding: .masquerade))
        bench.carryOut(bench.director.repairs(of: bench.table))
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        #expect(bench.table[0].service.scheduler == "wrr")
        #expect(bench.lines.last == "Repairing: Purged real server: 10.1.0.77:80 (10.9.0.1:80)")
        #expect(bench.director.repairs(of: bench.table) == [])
    }
}
