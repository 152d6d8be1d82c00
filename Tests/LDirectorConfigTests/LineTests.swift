// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import Testing

/// Which lines belong to a block, and what is cut from them.
@Suite struct LineTests {
    @Test(arguments: ["\t", "    ", "  \t", "     ", "\t\t", "   \t"])
    func indentationOfABlock(_ indent: String) throws {
        #expect(try onlyServer("virtual=10.9.0.1:80\n\(indent)checkport=99\n").check.port == 99)
    }

    @Test(arguments: [" ", "  ", "   "])
    func tooLittleIndentation(_ indent: String) {
        #expect(errorLines("virtual=10.9.0.1:80\n\(indent)checkport=99\n") == [2])
    }

    @Test func oneComplaintForAWholeRun() {
        let text = """
            virtual=10.9.0.1:80
                checktype=on

                real=10.1.0.1:80 gate
                real=10.1.0.2:80 gate
            """
        #expect(
            report(text) == """
                ld.cf:4:5: error: 'real' is indented but stands outside of a block
                    real=10.1.0.1:80 gate
                    ^~~~
                ld.cf:3:1: note: an empty line ended the block here

                ^

                """
        )
    }

    @Test(arguments: ["", "\t", "    ", "\t\t", "         ", "\r"])
    func whiteSpaceAloneEndsABlock(_ empty: String) throws {
        let text = "virtual=10.9.0.1:80\n\(empty)\ncheckport=1\n"
        #expect(errorLines(text) == [3])
        #expect(try onlyServer("virtual=10.9.0.1:80\n\(empty)\ncheckinterval=4\n").check.interval == .seconds(4))
    }

    @Test func indentedLineWithoutABlock() {
        #expect(errorLines(" autoreload=yes\n") == [1])
        #expect(errorLines("autoreload=yes\n    checkport=3\n    checkport=4\n") == [2])
        #expect(errorLines("autorelod=yes\n    checkport=3\n") == [1])
    }

    @Test func globalLinesInABlock() {
        #expect(
            summaries("virtual=10.9.0.1:80\n    autoreload=yes\n") == [
                "ld.cf:2:5: error: 'autoreload' must start in the first column"
            ]
        )
        #expect(
            summaries("real=10.1.0.1:80 gate\n") == [
                "ld.cf:1:1: error: 'real' belongs in the block of a virtual server, indented by a TAB or four columns"
            ]
        )
    }

    @Test func blanksAroundTheEqualsSign() throws {
        for sign in ["=", " = ", "\t=", "=\t", "   =  "] {
            #expect(try configuration("autoreload\(sign)yes\n").daemon.reloadsAutomatically)
        }
    }

    @Test func quotedValuesRunToTheLastQuote() throws {
        let text = "virtual=10.9.0.1:80\n    receive=\"say \"hi\" now\" later\n"
        #expect(try onlyServer(text).check.content.receive == "say \"hi\" now")
        #expect(summaries(text) == ["ld.cf:2:28: warning: 'later' after the closing quote is ignored"])
    }

    @Test func tabsInABlockAreFourBlanks() throws {
        #expect(try onlyServer("virtual=10.9.0.1:80\n\tlogin=\"a\tb\"\n").check.login == "a    b")
    }

    @Test func laterLinesWin() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    checkport=1\n    checkport=2\n")
        #expect(server.check.port == 2)
    }

    @Test func bytesThatAreNotUTF8() throws {
        let head = Array("# gr\u{fc}n\nvirtual=10.9.0.1:80\n    ".utf8)
        func result(_ directive: String) -> ParseResult {
            let bytes = directive.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
            return testParser.parse(head + bytes + [10], file: "ld.cf")
        }
        #expect(result("receive=\"gr\u{fc}n\"").configuration?.virtualServers[0].check.content.receive == "gr\\xfcn")
        #expect(result("comment=gr\u{fc}n").configuration?.virtualServers[0].comment == "gr\u{fc}n")
        #expect(result("login=\"gr\u{fc}n\"").errors.map(\.id) == [.encoding])
        #expect(result("login=\"a\0b\"").errors.map(\.id) == [.encoding])
    }

    @Test func noLineAtAll() throws {
        for text in ["", "\n", "\n\n\n", "# only\n", "   # only", "\r\n"] {
            #expect(try configuration(text) == Configuration())
        }
    }
}
