// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LinuxKit
import Testing

/// The numbered verdicts on oddities of the Perl program, as far as they concern the file.
@Suite struct QuirkTests {
    @Test func q01_q02_aFaultyFileGivesNoConfiguration() {
        let result = parse("checkinterval=3\nvirtual=10.9.0.1:80\n    nonsense=1\nvirtual=10.9.0.2:80\n")
        #expect(result.configuration == nil)
        #expect(result.errors.count == 1)
    }

    @Test func q03_portIsNormalisedOnce() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    real=10.1.0.1 gate\n    real=10.1.0.2:81 ipip\n")
        #expect(table(server) == ["10.1.0.1:80 gate 1", "10.1.0.2:80 ipip 1"])
        #expect(server.realServers.map(\.checkPort) == [80, 81])
    }

    @Test func q06_anAddressWithoutPortIsNoMark() {
        #expect(
            report("virtual=192.168.6.240\n    checktype=on\n") == """
                ld.cf:1:9: error: '192.168.6.240' has no port
                virtual=192.168.6.240
                        ^~~~~~~~~~~~~
                ld.cf:1:9: note: write '192.168.6.240:PORT', or a number alone for a firewall mark

                """
        )
        for mark in ["0", "4294967296", "5 x", "99999999999999999999"] {
            #expect(errorLines("virtual=\(mark)\n    checktype=on\n") == [1], "\(mark)")
        }
    }

    @Test func q07_realsAreReadFromTheStart() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    real=web_1:80 gate\n")
        #expect(table(server) == ["10.1.0.8:80 gate 1"])
        #expect(errorLines("virtual=10.9.0.1:5060\n    real=192.168.6.2::5060 gate\n") == [2])
        for host in ["10.1", "0x7f.1", "010.1.0.1", "10.1.0.256", "5060", "10.1.0.1.2"] {
            #expect(errorLines("virtual=10.9.0.1:80\n    real=\(host):80 gate\n") == [2], "\(host)")
        }
    }

    @Test(arguments: [
        "masq junk 5", "masq \"/a\", \"b\" 5", "masq -5", "masq 65536", "masq 5 6", "masq 1 \"/a\"", "masq l:1 l:2",
        "masq \"l:1\"", "masq 1 l:<1>", "masq5", "Masq", "masq \"/a\"\"b\"", "masq 1 u:99999999999", "masq u:",
    ])
    func q08_nothingOnARealLineIsSkipped(_ rest: String) {
        #expect(errorLines("virtual=10.9.0.1:80\n    real=10.1.0.1:80 \(rest)\n") == [2])
    }

    @Test func q08_whatTheStrictOrderTakes() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
                real=10.1.0.1:80 masq "/a 10.html", "ok" u:20 l:10
                real=10.1.0.2:80 masq 0 "a" "say "hi"," l:1 u:2
                real=10.1.0.3:80 masq 3 "" , ""
                real=10.1.0.4:80 masq u:7
            """
        )
        let reals = server.realServers
        #expect(reals.map(\.weight) == [1, 0, 3, 1])
        #expect(reals[0].content == CheckContent(request: "/a 10.html", receive: "ok"))
        #expect(reals[1].content == CheckContent(request: "/a", receive: "say \"hi\","))
        #expect(reals[2].content == CheckContent(request: "/", receive: ""))
        #expect(reals[3].content == nil)
        #expect(reals.map(\.lowerThreshold) == [10, 1, 0, 0])
        #expect(reals.map(\.upperThreshold) == [20, 2, 0, 7])
    }

    @Test func q14_patternsAreCheckedAtLoad() {
        #expect(
            report("virtual=10.9.0.1:80\n    receive=\"a(b\"\n    real=10.1.0.1:80 gate \"/\", \"(\"\n")
                == """
                ld.cf:2:17: error: not a regular expression: missing closing parenthesis
                    receive="a(b"
                                ^
                ld.cf:3:34: error: not a regular expression: missing closing parenthesis
                    real=10.1.0.1:80 gate "/", "("
                                                 ^

                """
        )
    }

    @Test func q16_globalFallbackServesMarks() throws {
        let server = try onlyServer("fallback=10.1.0.50:81 masq\nvirtual=5\n    checktype=on\n")
        #expect(server.fallback?.port == 81)
        let plain = try onlyServer("fallback=10.1.0.50\nvirtual=5\n    checktype=on\n")
        #expect(plain.fallback?.port == 0)
    }

    @Test func q17_defaultsOfTheCode() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    checktype=on\n")
        #expect(!server.isQuiescent && !server.readdsQuiescent && server.cleansOnStop)
    }

    @Test func q18_commentsQuotesAndBlanks() throws {
        let text = """
            autoreload=yes # reload
            quiescent = yes \t
            callback="/x # y"  # copy
            virtual=10.9.0.1:80 # web
            \trequest="/a#b" # ask
            \tlogin="x # y"
            \tcheckport=81#82
            \tcomment=one # two
            """
        for bytes in [text, text.replacing("\n", with: "\r\n")] {
            let all = try configuration(bytes)
            let server = try #require(all.virtualServers.first)
            #expect(all.daemon.reloadsAutomatically && server.isQuiescent)
            #expect(all.daemon.callback == "/x # y")
            #expect(server.check.content.request == "/a#b")
            #expect(server.check.login == "x # y")
            #expect(server.check.port == 81)
            #expect(server.comment == "one")
            #expect(parse(bytes).diagnostics.isEmpty)
        }
    }

    @Test func q19_virtualAsTheLastLine() throws {
        #expect(try onlyServer("virtual=10.9.0.1:80").realServers.isEmpty)
        #expect(try onlyServer("virtual=10.9.0.1:80\n").realServers.isEmpty)
    }

    @Test func q20_intervalOfABlock() throws {
        let both = try configuration(
            "checkinterval=7\nvirtual=10.9.0.1:80\n    checkinterval=2\nvirtual=10.9.0.2:80\n"
        )
        #expect(both.virtualServers.map(\.check.interval) == [.seconds(2), .seconds(7)])
        #expect(parse("virtual=10.9.0.1:80\n    checkinterval=2\n").diagnostics.isEmpty)
    }

    @Test func q25_checkCommandIsKeptWhole() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    checktype=external\n    checkcommand=/x/chk -v 1\n")
        #expect(server.check.command == "/x/chk -v 1")
    }

    @Test func q29_callbackIsKeptWhole() throws {
        #expect(try configuration("callback=\"/x/copy now\"\n").daemon.callback == "/x/copy now")
    }

    @Test func q30_onlyTheFirstWordCounts() throws {
        let text = "virtual=10.9.0.1:80\n    service = http foo\n    checktype = ping x\n"
        let server = try onlyServer(text)
        #expect(server.check.service == .http)
        #expect(server.check.type == .ping)
        #expect(
            summaries(text) == [
                "ld.cf:2:20: warning: 'foo' is ignored",
                "ld.cf:3:22: warning: 'x' is ignored",
            ]
        )
    }

    @Test func q34_sameServerTwice() throws {
        let block = "virtual=10.9.0.1:80\n    real=10.1.0.1:80 gate 1\n"
        #expect(
            report(block + "    real=10.1.0.1:8080 gate 2\n") == """
                ld.cf:3:10: error: 10.1.0.1:80 is already a real server of this virtual server, with other settings
                    real=10.1.0.1:8080 gate 2
                         ^~~~~~~~~~~~~~~~~~~~
                ld.cf:2:10: note: the first one is here
                    real=10.1.0.1:80 gate 1
                         ^~~~~~~~~~~~~~~~~~

                """
        )
        let repeated = block + "    real=10.1.0.1:80 gate 1\n"
        #expect(try onlyServer(repeated).realServers.count == 1)
        #expect(summaries(repeated) == ["ld.cf:3:10: warning: 10.1.0.1:80 is repeated and counts once"])
        #expect(
            try onlyServer("virtual=10.9.0.1:80\n    real=10.1.0.1:1 masq\n    real=10.1.0.1:2 masq\n").realServers
                .count == 2
        )
    }

    @Test func q40_unknownSchedulersPassToTheKernel() throws {
        let text = "virtual=10.9.0.1:80\n    scheduler=my-own_2\n    schedflags=sh-port,odd\n"
        let server = try onlyServer(text)
        #expect(server.scheduler == "my-own_2")
        #expect(server.schedulerFlags == ["sh-port", "odd"])
        #expect(summaries(text) == ["ld.cf:3:16: warning: the kernel knows no scheduler flag 'odd'"])
    }
}
