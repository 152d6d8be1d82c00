// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import Testing

/// What a user gets to read.
@Suite struct DiagnosticTests {
    @Test func allFindingsInOrderOfLines() {
        let text = """
            chektimeout=4
            virtual=10.9.0.1:80
                real=nobody.test:80 gate
                quiescent=maybe
                real=10.1.0.1:80 gat
            virtual=10.9.0.1:80
                netmask=24
            """
        #expect(
            report(text) == """
                ld.cf:1:1: error: unknown directive 'chektimeout'
                chektimeout=4
                ^~~~~~~~~~~
                ld.cf:1:1: note: did you mean 'checktimeout'?
                ld.cf:3:10: error: cannot resolve host 'nobody.test': Name or service not known
                    real=nobody.test:80 gate
                         ^~~~~~~~~~~
                ld.cf:4:15: error: 'quiescent' is 'yes' or 'no', not 'maybe'
                    quiescent=maybe
                              ^~~~~
                ld.cf:5:22: error: 'gat' is not a forwarding method: gate, masq, ipip, gue:PORT, gre
                    real=10.1.0.1:80 gat
                                     ^~~
                ld.cf:5:22: note: did you mean 'gate'?
                ld.cf:6:9: error: duplicate virtual server tcp 10.9.0.1:80
                virtual=10.9.0.1:80
                        ^~~~~~~~~~~
                ld.cf:2:9: note: the first one is here
                virtual=10.9.0.1:80
                        ^~~~~~~~~~~
                ld.cf:7:13: error: an IPv4 netmask is a dotted quad, not '24'
                    netmask=24
                            ^~

                """
        )
    }

    @Test(arguments: [
        ("virtal", "virtual"), ("Virtual", "virtual"), ("vritual", "virtual"), ("autorelaod", "autoreload"),
        ("chek_interval", "checkinterval"), ("email_alert", "emailalert"), ("loglife", "logfile"),
    ])
    func nearestNames(_ typed: String, _ meant: String) {
        #expect(parse("\(typed)=1\n").errors.first?.notes.first?.message == "did you mean '\(meant)'?")
    }

    @Test(arguments: ["xyzzy", "a", "completelydifferentname", "="])
    func noNameIsNear(_ typed: String) {
        #expect(parse("\(typed)=1\n").errors.first?.notes.isEmpty == true)
    }

    @Test func nearestWords() {
        let text = "virtual=10.9.0.1:80\n    service=htps\n    checktype=negociate\n"
        #expect(
            parse(text).errors.flatMap(\.notes).map(\.message) == [
                "did you mean 'https'?", "did you mean 'negotiate'?",
            ]
        )
    }

    @Test func caretsStandUnderTheirWords() {
        #expect(
            report("virtual=10.9.0.1:80\n\tcomment=h\u{fc}\n\tlogin=h\u{fc}llo\n") == """
                ld.cf:3:8: error: the value of 'login' must be in double quotes
                \tlogin=h\u{fc}llo
                \t      ^~~~~

                """
        )
    }

    @Test func missingValues() {
        #expect(
            report("virtual=10.9.0.1:80\n    real=10.1.0.1:80\n    checkport\n") == """
                ld.cf:2:21: error: a forwarding method must follow '10.1.0.1:80': gate, masq, ipip, gue:PORT, gre
                    real=10.1.0.1:80
                                    ^
                ld.cf:3:5: error: '=' and a value must follow 'checkport'
                    checkport
                    ^~~~~~~~~
                ld.cf:3:5: note: expected checkport=PORT, 1 to 65535

                """
        )
    }

    @Test func controlBytesAndLongLinesStayOnOneShortLine() throws {
        let text = "\u{1b}[2J=1\n" + String(repeating: "x", count: 5000) + "\n"
        let lines = report(text).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.utf8.count <= 170 })
        #expect(lines.first == "ld.cf:1:1: error: unknown directive '?[2J'")
    }

    @Test func legacyCompatibilityRefusesWhatPerlRefuses() {
        let text = """
            compat=legacy
            autoreload=yes # now
            callback=/x/copy
            virtual=10.9.0.1:80
                request="/a#b"
                checktimeout=2.5
                readdquiescent=yes
                real=web_1:80 gate 1 "a" , "b"
            """
        #expect(
            summaries(text) == [
                "ld.cf:2:1: error: a comment after a global directive is not legal with compat=legacy",
                "ld.cf:2:12: error: white space after 'yes' is not legal with compat=legacy",
                "ld.cf:3:10: error: 'callback' without double quotes is not legal with compat=legacy",
                "ld.cf:5:13: error: a '#' inside quotes is not legal with compat=legacy",
                "ld.cf:6:18: error: a fraction of a second is not legal with compat=legacy",
                "ld.cf:7:5: error: 'readdquiescent' in a block is not legal with compat=legacy",
                "ld.cf:8:10: error: an underscore in a host name is not legal with compat=legacy",
                "ld.cf:8:29: error: this separator of request and receive is not legal with compat=legacy",
            ]
        )
        #expect(parse(text.replacing("legacy", with: "extended")).errors.isEmpty)
    }

    @Test func blanksAndBracketsAreNamed() {
        #expect(
            summaries("virtual=10.9.0.1:80\n    real=10.1.0.2 : 80 gate\n    real=10.1.0.3 -> 10.1.0.5 gate\n").count
                == 2
        )
        #expect(
            report("virtual=10.9.0.1:80\n    real=10.1.0.2 : 80 gate\n").contains("no blanks stand around ':' and '->'")
        )
        let text = "fallback6=2001:db8::5\nvirtual6=[::1]:80\n    real6=2001:db8::1 gate\n"
        #expect(errorLines(text) == [1, 3])
        #expect(report(text).contains("an IPv6 address stands in brackets: [2001:db8::5]"))
    }
}
