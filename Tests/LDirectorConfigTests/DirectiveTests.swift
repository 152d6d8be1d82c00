// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LinuxKit
import Testing

/// Every directive with good and bad values.
@Suite struct DirectiveTests {
    private static func block(_ line: String) -> String { "virtual=10.9.0.1:80\n    \(line)\n" }

    @Test func theTableNamesEveryDirectiveOnce() {
        #expect(Set(DirectiveTable.all.map(\.name)) == Set(DirectiveName.allCases))
        #expect(DirectiveTable.all.count == DirectiveName.allCases.count)
        for directive in DirectiveTable.all {
            #expect(DirectiveTable.directive(named: directive.name.rawValue) == directive)
            #expect(!directive.summary.isEmpty && !directive.grammar.syntax.isEmpty)
        }
    }

    @Test(arguments: [
        "autoreload=maybe", "autoreload=", "autoreload", "autoreload=Yes", "checktimeout=0", "checktimeout=x",
        "negotiatetimeout=00", "checkinterval=", "checkinterval=0.0", "checkcount=0", "failurecount=none",
        "emailalert=", "emailalert=,", "emailalertstatus=sleeping", "smtp=", "smtp=@x", "logfile=\"\"", "callback=\"\"",
        "callback=\"x", "execute=", "maintenancedir=", "fork=1", "supervised=perhaps", "cleanstop=n", "quiescent=",
        "timeout=5", "connecttimeout=5", "fallback=10.1.0.1 gate 1", "fallback=10.1.0.1 route",
        "fallback=nobody.test", "fallback=10.1.0.1:nothing", "fallback=::1", "fallback6=10.1.0.1",
        "fallback6=2001:db8::1", "fallback=10.1.0.1:70000", "compat=perl", "=5", "@@@", "virtual=",
        "virtual=10.9.0.1:0",
        "virtual=10.9.0.1:70000", "virtual=10.9.0.1:nothing", "virtual=nobody.test:80", "virtual=10.9.0.1:",
        "virtual=10.9.0.300:80", "virtual6=10.9.0.1:80", "virtual6=[2001:db8::5]", "virtual6=[2001:db8::zz]:80",
        "virtual6=2001:db8::5:80", "virtual=0", "Virtual=10.9.0.1:80", "virtual=10.9.0.1:zero",
    ])
    func badGlobalLines(_ line: String) {
        #expect(errorLines("\n\(line)\n") == [2])
    }

    @Test(arguments: [
        "checktype=foo", "checktype=", "service=gopher", "service=", "request=\"\"", "receive=\"\"", "receive=",
        "httpmethod=POST", "virtualhost=\"\"", "login=x", "login=\"\"", "passwd=x", "database=x",
        "secret=\"x", "checkport=0", "checkport=65536", "checkport=x", "checkcommand=", "checkcommand=\"\"", "load=x",
        "scheduler=Wrr", "scheduler=wrr x", "scheduler=", "persistent=0", "persistent=x", "persistent=9999999",
        "netmask=24", "netmask=255.255.255", "ops=on", "protocol=dccp", "protocol=fwm", "readdquiescent=si",
        "fallbackcommand=", "emailalertfreq=x", "monitorfile=", "unknown=1", "timeout=4",
        "virtual=10.9.0.2:80", "real=", "real=10.1.0.1:80", "real=10.1.0.1:x/y gate", "real=nobody.test:80 gate",
        "real=10.1.0.1:nothing gate", "real=[2001:db8::1]:80 gate", "real=10.1.0.1 :80 gate", "real=10.1.0.1:80 route",
        "real=10.1.0.1->:80 gate", "real=10.1.0.1 -> 10.1.0.2:80 gate", "real=10.0.0.0->10.1.0.0:80 masq",
        "real=10.1.0.1:70000 masq", "real6=[2001:db8::1]:80 gate", "fallback6=[2001:db8::1]", "fallback=10.1.0.1 a b",
        "real=first.test->nobody.test:80 gate",
    ])
    func badBlockLines(_ line: String) {
        #expect(errorLines(Self.block(line)) == [2])
    }

    @Test func numbersTakeTheFirstDigits() throws {
        for (value, seconds) in [("5s", 5), ("-5", 5), ("about 7 or 8", 7), ("007", 7), ("2.5s", 2)] {
            let text = Self.block("checktimeout=\(value)")
            #expect(try onlyServer(text).check.connectTimeout == .seconds(seconds), "\(value)")
            #expect(parse(text).warnings.map(\.id) == (value == "007" ? [] : [.droppedText]), "\(value)")
        }
        #expect(
            report(Self.block("checktimeout=5s")) == """
                ld.cf:2:18: warning: only the number 5 of '5s' is used
                    checktimeout=5s
                                 ^~

                """
        )
    }

    @Test func fractionsOfASecond() throws {
        for (value, milliseconds) in [("2.5", 2500), ("0.25", 250), ("0.001", 1), ("1.2345", 1234), ("3.0", 3000)] {
            #expect(
                try onlyServer(Self.block("checkinterval=\(value)")).check.interval == .milliseconds(milliseconds),
                "\(value)"
            )
        }
        #expect(try onlyServer(Self.block("persistent=2.5")).persistence?.timeout == .seconds(2))
    }

    @Test func timeoutInheritance() throws {
        struct Case {
            let global: String
            let block: String
            let connect: Int
            let negotiate: Int
        }
        let cases = [
            Case(global: "", block: "", connect: 5, negotiate: 30),
            Case(global: "checktimeout=7\n", block: "", connect: 7, negotiate: 7),
            Case(global: "negotiatetimeout=8\n", block: "", connect: 8, negotiate: 8),
            Case(global: "checktimeout=7\n", block: "    negotiatetimeout=3\n", connect: 3, negotiate: 3),
            Case(global: "negotiatetimeout=8\n", block: "    checktimeout=2\n", connect: 2, negotiate: 2),
            Case(global: "", block: "    checktimeout=2\n    negotiatetimeout=3\n", connect: 2, negotiate: 3),
        ]
        for one in cases {
            let check = try onlyServer(one.global + "virtual=10.9.0.1:80\n" + one.block).check
            #expect(check.connectTimeout == .seconds(one.connect), "\(one)")
            #expect(check.negotiateTimeout == .seconds(one.negotiate), "\(one)")
        }
    }

    @Test func servicesImpliedByPorts() throws {
        let ports: [(UInt16, CheckService)] = [
            (21, .ftp), (25, .smtp), (53, .dns), (80, .http), (110, .pop), (119, .nntp), (143, .imap), (389, .ldap),
            (443, .https), (587, .submission), (636, .ldaps), (993, .imaps), (995, .pops), (1521, .oracle),
            (1812, .radius), (3128, .httpProxy), (3306, .mysql), (5060, .sip), (5432, .pgsql), (81, .none),
            (8080, .none),
        ]
        for (port, service) in ports {
            #expect(try onlyServer("virtual=10.9.0.1:\(port)\n    checktype=on\n").check.service == service)
        }
    }

    @Test func checkPorts() throws {
        func ports(_ head: String, _ lines: String) throws -> [UInt16] {
            try onlyServer("virtual=\(head)\n\(lines)").realServers.map(\.checkPort)
        }
        #expect(try ports("10.9.0.1:80", "    real=10.1.0.1:81 masq\n    checkport=99\n") == [99])
        #expect(try ports("10.9.0.1:80", "    real=10.1.0.1:81 masq\n") == [81])
        #expect(try ports("10.9.0.1:80", "    real=10.1.0.1 masq\n    service=smtp\n") == [25])
        #expect(try ports("10.9.0.1:99", "    real=10.1.0.1 masq\n    service=simpletcp\n") == [99])
        #expect(try ports("5", "    real=10.1.0.1 masq\n") == [0])
    }

    @Test func loginDefaults() throws {
        for text in ["virtual=10.9.0.1:21\n", "virtual=10.9.0.1:99\n    service=ftp\n"] {
            let check = try onlyServer(text).check
            #expect(check.login == "anonymous" && check.password == "ldirectord@director1")
        }
        #expect(try onlyServer("virtual=10.9.0.1:5060\n").check.login == "ldirectord@director1")
        let own = try onlyServer("virtual=10.9.0.1:21\n    login=\"me\"\n    service=http\n").check
        #expect(own.login == "me" && own.password.isEmpty)
    }

    @Test func protocolIsKnownBeforeNamesAreLookedUp() throws {
        let server = try onlyServer("virtual=10.9.0.1:syslog\n    real=10.1.0.1:syslog masq\n    protocol=udp\n")
        #expect(server.identity.description == "udp 10.9.0.1:514")
        #expect(table(server) == ["10.1.0.1:514 masq 1"])
        #expect(errorLines("virtual=10.9.0.1:syslog\n    checktype=on\n") == [1])
    }

    @Test func namesOfHosts() throws {
        let server = try onlyServer(
            "virtual=www.test:http\n    real=first.test->last.test:80 masq\n    fallback=www.test\n"
        )
        #expect(server.identity.description == "tcp 10.1.0.7:80")
        #expect(table(server) == ["10.1.0.1:80 masq 1", "10.1.0.2:80 masq 1", "10.1.0.3:80 masq 1"])
        let six = try onlyServer("virtual6=www.test:80\n    real6=www.test:80 gate\n    netmask=64\n    persistent=9\n")
        #expect(six.identity.description == "tcp [2001:db8::7]:80")
        #expect(six.persistence?.granularity == .prefixLength(64))
        #expect(
            summaries("virtual=nobody.test:80\n") == [
                "ld.cf:1:9: error: cannot resolve host 'nobody.test': Name or service not known"
            ]
        )
    }

    @Test func aFaultyLineIsAnErrorAlsoWhereALaterOneReplacesIt() {
        let good = ["netmask=255.255.255.0", "protocol=tcp", "scheduler=rr", "checkport=80", "receive=\"x\""]
        let faulty = ["netmask=24", "protocol=fwm", "scheduler=RR", "checkport=0", "receive=\"(\""]
        for (bad, better) in zip(faulty, good) {
            let text = "virtual=10.9.0.1:80\n    persistent=9\n    \(bad)\n    \(better)\n    checktype=on\n"
            #expect(errorLines(text) == [3], "\(bad)")
        }
        #expect(errorLines("virtual=5\n    protocol=tcp\n    protocol=fwm\n") == [2])
        #expect(errorLines("virtual6=5\n    netmask=255.0.0.0\n    netmask=64\n    persistent=9\n") == [2])
    }

    @Test func rangesOfOneAndAcrossOctets() throws {
        let server = try onlyServer(
            "virtual=10.9.0.1:80\n    real=10.1.0.1->10.1.0.1:80 masq\n    real=59.154.201.255->59.154.202.0:80 masq\n"
        )
        #expect(table(server) == ["10.1.0.1:80 masq 1", "59.154.201.255:80 masq 1", "59.154.202.0:80 masq 1"])
        #expect(
            summaries("virtual6=[2001:db8::5]:80\n    real6=[2001:db8::1]->[2001:db8::3]:80 gate\n") == [
                "ld.cf:2:26: error: a range of IPv6 addresses is not supported"
            ]
        )
    }

    @Test func rangesCannotExhaustMemory() {
        let lines = (0..<20).map { "    real=10.\($0).0.0->10.\($0).255.255:80 masq\n" }.joined()
        #expect(errorLines("virtual=10.9.0.1:80\n" + lines) == [6])
    }

    @Test func quotesOfRequestAndReceive() throws {
        let server = try onlyServer(Self.block("request = index.html\n    receive = up and running"))
        #expect(server.check.content == CheckContent(request: "/index.html", receive: "up and running"))
    }

    @Test func quotesOfCommandsInBothPlaces() throws {
        let text = "fallbackcommand=\"/x/cmd\"\n" + Self.block("checktype=on")
        #expect(try onlyServer(text).fallbackCommand == "/x/cmd")
        let shell = "fallbackcommand=\"/x/my cmd\" arg\n"
        #expect(try onlyServer(shell + Self.block("checktype=on")).fallbackCommand == "\"/x/my cmd\" arg")
        #expect(try onlyServer(shell + Self.block("fallbackcommand=\"/y\"")).fallbackCommand == "/y")
    }

    @Test func quotesAroundWords() throws {
        let lines = "checktype=\"external-perl\"\n    httpmethod=\"head\"\n    service=\"http\"\n    protocol=\"udp\""
        let server = try onlyServer(Self.block(lines))
        #expect(parse(Self.block(lines)).diagnostics.isEmpty)
        #expect(server.check.type == .externalPerl && server.check.service == .http)
        #expect(server.check.httpMethod == .head && server.identity.transport == .udp)
    }

    @Test func emptyValuesThatMeanNothing() throws {
        let text = Self.block("virtualhost=\n    servicename =\n    comment= # later\n    fallback=")
        let server = try onlyServer(text)
        #expect(server.check.virtualHost == nil && server.serviceName == nil && server.comment == nil)
        #expect(server.fallback == nil)
        #expect(summaries(text) == ["ld.cf:5:5: warning: 'fallback' has an empty value and names no server"])
    }

    @Test func wordsOldAndUnused() {
        #expect(
            summaries("supervised\nconnecttimeout=4\n" + Self.block("checkcount=2\n    load=\"x\"")) == [
                "ld.cf:1:1: warning: 'supervised' alone is old style; write 'supervised=yes'",
                "ld.cf:2:1: error: 'connecttimeout' is obsolete, use 'checktimeout'",
                "ld.cf:4:5: warning: 'checkcount' is deprecated and only counts for ping checks",
                "ld.cf:5:5: warning: 'load' is accepted for old files and has no effect",
            ]
        )
    }

    @Test func linesWithoutEffect() {
        #expect(
            summaries(
                Self.block(
                    "netmask=255.255.255.0\n    httpmethod=head\n    receive=\"x\"\n    real=10.1.0.1:80 gate l:9 u:3"
                )
            ) == [
                "ld.cf:2:5: warning: 'netmask' has no effect without 'persistent'",
                "ld.cf:4:5: warning: with httpmethod HEAD there is no text that could match",
                "ld.cf:5:27: warning: the kernel refuses a lower threshold above the upper one",
            ]
        )
        #expect(
            summaries("virtual=10.9.0.1:3306\n    checktype=negotiate\n") == [
                "ld.cf:1:9: warning: a mysql check without login and request never succeeds"
            ]
        )
    }

    @Test func trailingTextAfterTheVirtualAddress() throws {
        let text = "virtual=10.9.0.1:80 the web\n    checktype=on\n"
        #expect(try onlyServer(text).identity.port == 80)
        #expect(summaries(text) == ["ld.cf:1:21: warning: 'the web' after the virtual address is ignored"])
    }

    @Test func globalFallbackNamesNeedOnlyOneProtocol() throws {
        let server = try onlyServer("fallback=10.1.0.50:http masq\nvirtual=10.9.0.1:53\n    protocol=udp\n")
        #expect(server.fallback?.port == 80)
    }

    @Test func daemonSettings() throws {
        let daemon = try configuration(
            """
            execute=one.cf
            execute=two.cf
            fork=yes
            supervised=yes
            maintenancedir=/etc/ha.d/maint
            smtp=mail.test
            """
        ).daemon
        #expect(daemon.childConfigurations == ["one.cf", "two.cf"])
        #expect(daemon.forks && daemon.isSupervised)
        #expect(daemon.maintenanceDirectory == "/etc/ha.d/maint")
        #expect(daemon.mail.relay == "mail.test")
    }

    @Test func relayOfABlock() throws {
        let all = try configuration(
            "smtp=mail.test\nvirtual=10.9.0.1:80\n    smtp=other.test\nvirtual=10.9.0.2:80\n    checktype=on\n"
        )
        #expect(all.daemon.mail.relay == "mail.test")
        #expect(all.virtualServers.map(\.mail.relay) == ["other.test", "mail.test"])
    }

    @Test func statusWordsOfMails() throws {
        #expect(try configuration("emailalertstatus=none\n").daemon.mail.phases.isEmpty)
        #expect(try configuration("emailalertstatus=\n").daemon.mail.phases.isEmpty)
        #expect(try configuration("emailalertstatus=all, running\n").daemon.mail.phases.count == 4)
    }
}
