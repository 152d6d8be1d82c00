// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import LDirectorConfig
import LDirectorCore
import LinuxKit
import Testing

struct CheckPlannerTests {
    private func plan(_ text: String, _ index: Int = 0) throws -> CheckPlan? {
        let virtual = try #require(try Bench.parse(text).virtualServers.last)
        guard case .checked(let plan) = try CheckPlanner.policy(of: virtual.realServers[index], in: virtual) else {
            return nil
        }
        return plan
    }

    @Test func A06_httpOnTheCheckPortUnderAMark() throws {
        let plan = try plan("virtual=5\n\treal=10.1.0.1 gate 4\n\tservice=http\n\tcheckport=8080\n")
        #expect(plan?.first.target.description == "10.1.0.1:8080")
        #expect(plan?.first.method == .http(HTTPRequest(path: "/", host: "10.1.0.1", receive: nil)))
    }

    @Test func A11_udpConnectIsPing() throws {
        let plan = try plan("virtual=10.9.0.1:9999\n\treal=10.1.0.1:9999 masq\n\tprotocol=udp\n\tchecktype=connect\n")
        #expect(plan?.first.method == .ping(count: 1))
    }

    @Test func A13_pairOfTheRealServer() throws {
        let text = """
            virtual=10.9.0.1:80
            \treal=10.1.0.1:80 masq 2 "/r1","R1UP"
            \treal=10.1.0.2:80 masq
            \trequest="/ok"
            \treceive="UP"
            """
        let own = HTTPRequest(path: "/r1", host: "10.1.0.1", receive: try Pattern("R1UP"))
        let common = HTTPRequest(path: "/ok", host: "10.1.0.2", receive: try Pattern("UP"))
        #expect(try plan(text)?.first.method == .http(own))
        #expect(try plan(text, 1)?.first.method == .http(common))
    }

    @Test func A33_timeouts() throws {
        let globals = "checktimeout=7\nnegotiatetimeout=11\n"
        let block = "virtual=10.9.0.1:80\n\treal=10.1.0.1:80 masq\n"
        #expect(try plan(globals + block)?.first.timeout == .seconds(11))
        #expect(try plan(globals + block + "\tnegotiatetimeout=3\n")?.first.timeout == .seconds(3))
        #expect(try plan(globals + block + "\tchecktype=connect\n")?.first.timeout == .seconds(7))
    }

    @Test func A34_combinedTurns() throws {
        let plan = try #require(try plan("virtual=10.9.0.1:80\n\treal=10.1.0.1:80 masq\n\tchecktype=3\n"))
        var turn = 0
        var kinds: [String] = []
        for outcome in [CheckOutcome.up, .up, .up, .up, .up, .down("x"), .up] {
            kinds.append(plan.probe(turn: turn).method == .connect ? "c" : "n")
            turn = plan.turn(after: turn, outcome)
        }
        #expect(kinds.joined() == "ncccncn")
    }

    @Test func A35_externalArguments() throws {
        let mark = "virtual=9\n\treal=10.1.0.1 gate\n\tchecktype=external\n\tcheckcommand=/x/chk\n"
        #expect(try plan(mark)?.first.method == .command(["/x/chk", "9", "0", "10.1.0.1", "0"]))
        let tcp = """
            virtual=10.9.0.1:80
            \treal=10.1.0.1:8080 masq
            \tchecktype=external
            \tcheckport=99
            \tcheckcommand=/x/chk
            """
        #expect(try plan(tcp)?.first.method == .command(["/x/chk", "10.9.0.1", "80", "10.1.0.1", "8080"]))
    }

    @Test func Q41_combinedWithServiceNoneIsAlwaysAConnect() throws {
        let plan = try plan("virtual=10.9.0.1:9999\n\treal=10.1.0.1:9999 masq\n\tchecktype=3\n")
        #expect(plan?.first.method == .connect)
        #expect(plan?.between == nil)
    }

    @Test func unsupportedServicesAreErrors() throws {
        #expect(throws: CheckPlanner.Unsupported.self) {
            _ = try plan("virtual=10.9.0.1:1521\n\treal=10.1.0.1:1521 masq\n\tlogin=\"x\"\n\trequest=\"SELECT 1\"\n")
        }
    }

    @Test func A14_absoluteURLOfARealServer() throws {
        let text = """
            virtual=10.9.0.1:80
            \treal=10.1.0.1:80 masq 1 "http://10.1.0.9:8081/h", "fine"
            \tvirtualhost=www.test
            """
        let probe = try plan(text)?.first
        #expect(probe?.target == SocketAddress(try #require(IPAddress("10.1.0.9")), port: 8081))
        #expect(probe?.method == .http(HTTPRequest(path: "/h", host: "www.test", receive: try Pattern("fine"))))
    }

    @Test func Q26_serverNameIsTheVirtualHost() throws {
        let text = "virtual=10.9.0.1:443\n\treal=10.1.0.1:443 masq\n\tvirtualhost=www.test\n"
        #expect(try plan(text)?.first.security == .tls(TLSSettings(serverName: "www.test")))
    }

    @Test func transportOfServicesThatKnowBoth() throws {
        let text = "virtual=10.9.0.1:5060\n\treal=10.1.0.1:5060 masq\n\tprotocol=udp\n"
        #expect(try plan(text)?.first.transport == .udp)
        #expect(try plan(text.replacing("protocol=udp", with: "protocol=tcp"))?.first.transport == .tcp)
    }

    @Test func proxyNeedsAWholeURL() throws {
        let text = "virtual=10.9.0.1:3128\n\treal=10.1.0.1:3128 masq\n\trequest=\"https://www.test:8443/x\"\n"
        let probe = try plan(text)?.first
        #expect(probe?.security == .onRequest(TLSSettings(serverName: "www.test")))
        #expect(throws: CheckPlanner.Unsupported.self) {
            _ = try plan(text.replacing("https://www.test:8443/x", with: "/x"))
        }
    }

    // MARK: conditions and further checks

    private func http(_ lines: String, port: Int = 80) throws -> (HTTPRequest, Probe)? {
        let probe = try plan("virtual=10.9.0.1:\(port)\n\treal=10.1.0.1 masq\n\(lines)")?.first
        guard let probe, case .http(let request) = probe.method else {
            return nil
        }
        return (request, probe)
    }

    @Test func conditionsOfHTTP() throws {
        let lines = "\thttpstatus=200,404\n\thttpversion=1.0\n\thttpheader=\"A: b\"\n\tfollowredirects=no\n"
        let found = try #require(try http(lines + "\treceivenot=\"x\"\n"))
        #expect(found.0.statuses == [200...200, 404...404])
        #expect(found.0.isOldVersion)
        #expect(found.0.headers == ["A: b"])
        #expect(found.0.redirection == .nowhere)
        #expect(found.0.receiveNot?.source == "x")
        #expect(found.1.security == .plain)
    }

    @Test func conditionsOfTLS() throws {
        func settings(_ lines: String) throws -> Probe.Security? { try http(lines, port: 443)?.1.security }
        #expect(try settings("\tvirtualhost=www.test:444\n") == .tls(TLSSettings(serverName: "www.test")))
        #expect(
            try settings("\ttlsverify=host\n")
                == .tls(TLSSettings(serverName: "10.1.0.1", verification: .full(authorities: nil)))
        )
        let identity = TLSSettings.Identity(certificate: "/c", key: "/c")
        #expect(
            try settings("\ttlsverify=chain\n\ttlscafile=/ca\n\ttlscert=/c\n\ttlsname=n.test\n")
                == .tls(TLSSettings(serverName: "n.test", verification: .chain(authorities: "/ca"), identity: identity))
        )
        // A redirect may lead to https.
        #expect(
            try http("\ttlsverify=chain\n")?.1.security
                == .onRequest(TLSSettings(verification: .chain(authorities: nil)))
        )
    }

    @Test(arguments: [
        (25, "smtp"), (587, "submission"), (110, "pop"), (143, "imap"), (119, "nntp"), (389, "ldap"), (21, "ftp"),
    ])
    func TLSInsideAPlainConnection(_ port: Int, _ service: String) throws {
        let block = "virtual=10.9.0.1:\(port)\n\treal=10.1.0.1 masq\n\ttlsname=n.test\n\tstarttls="
        #expect(try plan(block + "yes\n")?.first.security == .onRequest(TLSSettings(serverName: "n.test")))
        #expect(try plan(block + "no\n")?.first.security == .plain)
        #expect(try plan(block + "yes\n")?.first.method != plan(block + "no\n")?.first.method)
    }

    @Test func conditionsOfDNS() throws {
        let text =
            "virtual=10.9.0.1:53\n\treal=10.1.0.1 masq\n\tdnstype=SOA\n\tdnsrcode=NXDOMAIN\n\trequest=\"x.test\"\n"
        guard case .dns(let question)? = try plan(text)?.first.method else {
            Issue.record("no dns check")
            return
        }
        #expect(question.types == [.soa])
        #expect(question.codes == [3])
    }

    @Test func furtherChecksGoAlong() throws {
        let further = "\tcheck=mail\n\tservice=imap\n\tcheckport=143\n"
        let plan = try #require(try plan("virtual=10.9.0.1:80\n\treal=10.1.0.1 masq\n\tchecktype=2\n" + further))
        guard case .all(let parts) = plan.first.method, case .all(let between)? = plan.between?.probe.method else {
            Issue.record("one check only")
            return
        }
        #expect(parts.map(\.name) == ["", "mail"])
        #expect(parts.map(\.probe.target.port) == [80, 143])
        #expect(between.map(\.probe.method) == [.connect, parts[1].probe.method])
    }

    @Test func furtherChecksDecideAloneWithoutAnOwnOne() throws {
        let further = "\tcheck=mail\n\tservice=imap\n\tcheckport=143\n"
        let block = "virtual=10.9.0.1:80\n\treal=10.1.0.1 masq\n\tchecktype="
        #expect(try plan(block + "on\n" + further)?.first.timeout == .seconds(30))
        #expect(try plan(block + "off\n" + further) == nil)
        let error = #expect(throws: CheckPlanner.Unsupported.self) {
            _ = try plan(block + "on\n" + further.replacing("imap", with: "oracle"))
        }
        #expect(error?.description.hasPrefix("check \"mail\": service oracle needs Oracle's own client") == true)
    }
}
