// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import Testing

/// Directives and words that the Perl program does not know.
@Suite struct ExtensionTests {
    private static let names = [
        "risecount": "2", "warmup": "30", "depoolthreshold": "50", "drainlimit": "600", "reconcile": "missing",
        "fallbackcommandonstop": "yes",
    ]

    @Test func defaults() throws {
        let settings = try onlyServer("virtual=10.9.0.1:80\n\treal=10.1.0.1 gate\n").lifeCycle
        #expect(settings == LifeCycleSettings())
        #expect(settings.depoolThreshold == 100)
        #expect(settings.reconciliation == .off)
    }

    @Test func blockOverGlobal() throws {
        let text = """
            risecount=2
            warmup=2.5
            depoolthreshold=50%
            drainlimit=600
            reconcile=all
            fallbackcommandonstop=yes
            virtual=10.9.0.1:80
            \treal=10.1.0.1 gate
            virtual=10.9.0.2:80
            \treal=10.1.0.1 gate
            \trisecount=4
            \twarmup=0
            \tdepoolthreshold=100
            \tdrainlimit=0
            \treconcile=off
            \tfallbackcommandonstop=no
            """
        let servers = try configuration(text).virtualServers
        #expect(servers[0].lifeCycle.riseCount == 2)
        #expect(servers[0].lifeCycle.warmup == .milliseconds(2500))
        #expect(servers[0].lifeCycle.depoolThreshold == 50)
        #expect(servers[0].lifeCycle.drainLimit == .seconds(600))
        #expect(servers[0].lifeCycle.reconciliation == .all)
        #expect(servers[0].lifeCycle.tellsFallbackCommandOnStop)
        var expected = LifeCycleSettings()
        expected.riseCount = 4
        #expect(servers[1].lifeCycle == expected)
    }

    @Test(arguments: names.keys.sorted()) func everyDirectiveStandsInBothPlacesAndNotInLegacyFiles(_ name: String) {
        let value = Self.names[name] ?? ""
        let block = "virtual=10.9.0.1:80\n\treal=10.1.0.1->10.1.0.2 gate\n"
        let global = "\(name)=\(value)\n"
        #expect(summaries(global + block) == [])
        #expect(summaries(block + "\t\(name)=\(value)\n") == [])
        #expect(errorLines("compat=legacy\n" + global + block) == [2])
        #expect(errorLines("compat=legacy\n" + block + "\t\(name)=\(value)\n") == [4])
        let slip = String(name.dropLast())
        #expect(report("\(slip)=\(value)\n" + block).contains("did you mean '\(name)'?"))
    }

    @Test(
        arguments: [
            "risecount=0", "warmup=soon", "depoolthreshold=0", "depoolthreshold=101", "reconcile=maybe",
            "drainlimit=", "fallbackcommandonstop=1",
        ]
    ) func badValues(_ line: String) {
        #expect(errorLines("virtual=10.9.0.1:80\n\t\(line)\n") == [2])
        #expect(errorLines("\(line)\nvirtual=10.9.0.1:80\n") == [1])
    }

    @Test func resolve() throws {
        let block = "virtual=10.9.0.1:80\n\treal=www.test gate\n"
        #expect(try !configuration(block).daemon.resolvesPeriodically)
        #expect(try !configuration("resolve=once\n" + block).daemon.resolvesPeriodically)
        #expect(try configuration("resolve=periodic\n" + block).daemon.resolvesPeriodically)
        #expect(errorLines("compat=legacy\nresolve=once\n" + block) == [2])
        #expect(errorLines("resolve=always\n" + block) == [1])
        #expect(errorLines(block + "\tresolve=once\n") == [3])
    }

    @Test func aDepoolThresholdThatKeepsEveryServerIsTold() {
        let block = "virtual=10.9.0.1:80\n\treal=10.1.0.1 gate\n"
        let message = "50 % of 1 real server is none: no check can take one out of '10.9.0.1:80'"
        #expect(summaries(block + "\tdepoolthreshold=50\n") == ["ld.cf:3:18: warning: \(message)"])
        #expect(summaries("depoolthreshold=50\n" + block) == ["ld.cf:1:17: warning: \(message)"])
        #expect(summaries("depoolthreshold=50\n" + block + "\treal=10.1.0.2 gate\n") == [])
    }

    @Test func aSlipOfAWordIsNamed() {
        #expect(report("reconcile=mising\n").contains("did you mean 'missing'?"))
    }

    @Test(
        arguments: [
            ("gue:6080", ForwardingMethod.gue(port: 6080, .off)), ("gue:6080,nocsum", .gue(port: 6080, .off)),
            ("gue:6080,csum", .gue(port: 6080, .full)), ("gue:1,remcsum", .gue(port: 1, .remote)), ("gre", .gre(.off)),
            ("gre,csum", .gre(.full)), ("gre,nocsum", .gre(.off)),
        ]
    ) func tunnels(_ word: String, _ method: ForwardingMethod) throws {
        let server = try onlyServer(
            "virtual=10.9.0.1:80\n\treal=10.1.0.1:8080 \(word) 3\n\tfallback=10.1.0.2 \(word)\n"
        )
        #expect(server.realServers.map(\.forwarding) == [method])
        // A tunnel does not translate ports.
        #expect(server.realServers.map(\.port) == [80])
        #expect(server.fallback?.forwarding == method)
        #expect(errorLines("compat=legacy\nvirtual=10.9.0.1:80\n\treal=10.1.0.1 \(word)\n") == [3])
    }

    @Test(arguments: [
        "gue", "gue:", "gue:0", "gue:65536", "gue:6080,", "gue:6080,sum", "gre,remcsum", "gre:1", "ipip,csum",
    ])
    func tunnelsInError(_ word: String) {
        #expect(errorLines("virtual=10.9.0.1:80\n\treal=10.1.0.1 \(word)\n") == [2])
    }

    @Test func sctp() throws {
        let server = try onlyServer("virtual=10.9.0.1:2905\n\tprotocol=sctp\n\treal=10.1.0.1:2905 masq\n")
        #expect(server.identity.description == "sctp 10.9.0.1:2905")
        #expect(errorLines("compat=legacy\nvirtual=10.9.0.1:2905\n\tprotocol=sctp\n") == [3])
    }

    @Test func longThresholds() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n\treal=10.1.0.1 gate 1 uthreshold:9 lthreshold:3\n")
        #expect(server.realServers.map(\.upperThreshold) == [9])
        #expect(server.realServers.map(\.lowerThreshold) == [3])
        #expect(errorLines("virtual=10.9.0.1:80\n\treal=10.1.0.1 gate 1 uthreshold:9 u:3\n") == [2])
    }

    @Test func schedulerFlagsOfAnotherScheduler() {
        let text = "virtual=10.9.0.1:80\n\tscheduler=\("wlc")\n\tschedflags=sh-port\n"
        #expect(summaries(text) == ["ld.cf:3:13: warning: 'sh-port' is a flag of scheduler sh, not of wlc"])
        #expect(summaries("virtual=10.9.0.1:80\n\tscheduler=sh\n\tschedflags=sh-port,flag-3\n") == [])
    }
}
