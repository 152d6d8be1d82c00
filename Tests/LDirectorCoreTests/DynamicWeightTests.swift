// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig
import LDirectorCore
import LinuxKit
import Testing

/// Weights that external checks print (`dynamicweight`).
@Suite struct DynamicWeightTests {
    private static let site = """
        virtual=10.9.0.1:80
        \treal=10.1.0.1:80 masq 4
        \treal=10.1.0.2:80 masq 2
        \tchecktype=external
        \tcheckcommand="/bin/weigh"
        \tdynamicweight=100

        """

    private func weigh(_ bench: inout Bench, _ weight: Int?, _ address: String = "10.1.0.1") {
        let result = CheckResult(.up, duration: .milliseconds(1), weight: weight)
        for plan in bench.director.subscribers.keys where "\(plan.first.target.address)" == address {
            bench.take(bench.director.record(result, of: plan, at: .now))
        }
    }

    @Test func theTableFollowsTheCheck() throws {
        var bench = try Bench(Self.site)
        weigh(&bench, 50)
        weigh(&bench, nil, "10.1.0.2")
        #expect(bench.servers() == ["10.1.0.1:80 w50", "10.1.0.2:80 w2"])
        weigh(&bench, 7)
        #expect(bench.servers() == ["10.1.0.1:80 w7", "10.1.0.2:80 w2"])
        #expect(
            bench.lines.last
                == "Changed real server: 10.1.0.1:80 (10.9.0.1:80) (Weight set to 7): weight 7 by its check"
        )
        weigh(&bench, nil)
        #expect(bench.servers() == ["10.1.0.1:80 w4", "10.1.0.2:80 w2"])
    }

    @Test func zeroQuiescesAlsoWithoutQuiescent() throws {
        var bench = try Bench(Self.site)
        weigh(&bench, 5)
        weigh(&bench, 0)
        #expect(bench.servers() == ["10.1.0.1:80 w0"])
        #expect(bench.lines.last?.hasPrefix("Quiescent real server: 10.1.0.1:80") == true)
        weigh(&bench, 5)
        #expect(bench.servers() == ["10.1.0.1:80 w5"])
    }

    @Test func theSameAgainWritesNothing() throws {
        var bench = try Bench(Self.site)
        weigh(&bench, 5)
        // Somebody sets another weight with ipvsadm.
        bench.table[0].destinations[0].weight = 9
        _ = bench.takeChanges()
        weigh(&bench, 5)
        #expect(bench.takeChanges() == [])
        weigh(&bench, 6)
        #expect(bench.servers() == ["10.1.0.1:80 w6"])
    }

    @Test func anOperatorsWeightWins() throws {
        var bench = try Bench(Self.site)
        weigh(&bench, 5)
        bench.order(.weight(33), "10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w33"])
        weigh(&bench, 6)
        #expect(bench.servers() == ["10.1.0.1:80 w33"])
        bench.order(nil, "10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:80 w6"])
    }

    @Test func aServerThatFailedComesBackWithWhatItsCheckSays() throws {
        var bench = try Bench(Self.site)
        weigh(&bench, 5)
        bench.fail("10.1.0.1")
        #expect(bench.servers() == [])
        weigh(&bench, 8)
        #expect(bench.servers() == ["10.1.0.1:80 w8"])
    }

    @Test func aRestartKeepsTheWeightThatWasFound() throws {
        var bench = try Bench(Self.site)
        weigh(&bench, 50)
        let other = try Bench(Self.site, table: bench.table)
        #expect(other.servers() == ["10.1.0.1:80 w50"])
    }

    @Test func withoutTheDirectiveNothingIsLookedAt() throws {
        var bench = try Bench(Self.site.replacing("\tdynamicweight=100\n", with: ""))
        weigh(&bench, 50)
        #expect(bench.servers() == ["10.1.0.1:80 w4"])
    }
}
