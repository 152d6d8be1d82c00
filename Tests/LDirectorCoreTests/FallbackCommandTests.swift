// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig
import LDirectorCore
import Testing

@Suite struct FallbackCommandTests {
    private func site(_ command: String = "/x/cmd", virtual: String = "10.9.0.1:80", extra: String = "") -> String {
        "virtual=\(virtual)\n\treal=10.1.0.1:80 masq\n\treal=10.1.0.2:80 masq\n\tchecktype=connect\n"
            + "\tfallbackcommand=\(command)\n\(extra)"
    }

    private func calls(_ bench: inout Bench) -> [String] {
        bench.director.fallbackCalls(of: bench.table.map(\.service.key)).map(\.shellText)
    }

    @Test func A22_fallbackcommand() throws {
        var bench = try Bench(site())
        #expect(calls(&bench) == [])
        bench.fail("10.1.0.1")
        #expect(calls(&bench) == [])
        bench.fail("10.1.0.2")
        #expect(calls(&bench) == ["/x/cmd start 10.9.0.1:80 tcp"])
        bench.fail("10.1.0.2")
        #expect(calls(&bench) == [])
        bench.up("10.1.0.1")
        #expect(calls(&bench) == ["/x/cmd stop 10.9.0.1:80 tcp"])
        bench.up("10.1.0.2")
        #expect(calls(&bench) == [])
    }

    @Test func oneCallAfterTheFirstRound() throws {
        var bench = try Bench(site())
        bench.up("10.1.0.2")
        #expect(calls(&bench) == ["/x/cmd stop 10.9.0.1:80 tcp"])
        bench.fail("10.1.0.1")
        #expect(calls(&bench) == [])
    }

    @Test func Q16_marks() throws {
        var bench = try Bench("virtual=5\n\treal=10.1.0.1 gate\n\tchecktype=off\n\tfallbackcommand=/x a\n")
        #expect(calls(&bench) == ["/x a start 5 fwm"])
    }

    @Test func aReloadDoesNotRepeatIt() throws {
        var bench = try Bench(site())
        bench.fail("10.1.0.1")
        bench.fail("10.1.0.2")
        #expect(calls(&bench).count == 1)
        try bench.install(site(extra: "\tscheduler=rr\n"))
        #expect(calls(&bench) == [])
        try bench.install(site("/y"))
        #expect(calls(&bench) == ["/y start 10.9.0.1:80 tcp"])
    }

    @Test(arguments: [true, false]) func wish599918_stop(_ wanted: Bool) throws {
        var bench = try Bench(site(extra: "\tfallbackcommandonstop=\(wanted ? "yes" : "no")\n"))
        #expect(bench.director.fallbackCallsOnStop().isEmpty)
        bench.fail("10.1.0.1")
        bench.fail("10.1.0.2")
        _ = calls(&bench)
        #expect(
            bench.director.fallbackCallsOnStop().map(\.shellText) == (wanted ? ["/x/cmd stop 10.9.0.1:80 tcp"] : [])
        )
    }
}
