// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LinuxKit
import Testing

/// Conditions of checks, and further checks.
@Suite struct ConditionTests {
    private static let digest = String(repeating: "0aF9", count: 16)

    private static let webValues = [
        "receivenot": "\"sick\"", "bodydigest": digest, "httpstatus": "200-299,401", "httpversion": "1.0",
        "httpheader": "\"X-Key: a b\"", "followredirects": "no", "tlsverify": "host", "tlscert": "/c.pem",
        "tlsname": "www.test",
    ]

    private func block(_ port: Int, _ lines: [String]) -> String {
        "virtual=10.9.0.1:\(port)\n" + (["real=10.1.0.1 gate"] + lines).map { "\t\($0)\n" }.joined()
    }

    private func check(_ port: Int, _ lines: [String]) throws -> CheckSettings {
        try onlyServer(block(port, lines)).check
    }

    @Test func aBlockThatSaysNothing() throws {
        let check = try check(80, [])
        #expect(check.http == HTTPConditions())
        #expect(check.tls == TLSConditions())
        #expect(check.dns == DNSConditions())
        #expect(check.receiveNot.isEmpty)
    }

    @Test func web() throws {
        let check = try check(443, Self.webValues.keys.sorted().map { "\($0)=\(Self.webValues[$0] ?? "")" })
        #expect(check.receiveNot == "sick")
        #expect(check.http.bodyDigest == Self.digest.lowercased())
        #expect(check.http.statuses == [200...299, 401...401])
        #expect(check.http.version == .v10)
        #expect(check.http.headers == ["X-Key: a b"])
        #expect(check.http.redirection == .nowhere)
        #expect(check.tls.verification == .host)
        #expect(check.tls.certificate == "/c.pem")
        #expect(check.tls.serverName == "www.test")
    }

    @Test(arguments: webValues.keys.sorted()) func noneIsForTheBlocklessOrForLegacyFiles(_ name: String) {
        let line = "\(name)=\(Self.webValues[name] ?? "")"
        #expect(summaries(block(443, [line])) == [])
        #expect(errorLines("compat=legacy\n" + block(443, [line])) == [4])
        #expect(errorLines(line + "\n") == [1])
    }

    @Test func headerFieldsAddUp() throws {
        let check = try check(80, ["httpheader=\"A: 1\"", "httpheader=B:2", "httpheader=\"A:  3 \""])
        #expect(check.http.headers == ["A: 1", "B: 2", "A: 3"])
    }

    @Test(arguments: [
        "httpstatus=", "httpstatus=99", "httpstatus=600", "httpstatus=300-200", "httpstatus=200,,201", "httpstatus=2xx",
        "httpstatus=200-", "httpversion=2", "httpversion=1", "httpheader=none", "httpheader=\"a b: c\"",
        "httpheader=: x", "httpheader=Host: x", "httpheader=content-length: 3", "followredirects=maybe",
        "bodydigest=abc", "receivenot=\"(\"", "tlsverify=yes", "starttls=1", "dnstype=SRV", "dnsrcode=NOERROR,BAD",
        "dnsrcode=", "check=",
    ])
    func badValues(_ line: String) { #expect(errorLines(block(80, [line])) == [3]) }

    @Test func aDiagnosticPointsAtThePart() {
        #expect(
            summaries(block(80, ["httpstatus=200,70"]))
                == ["ld.cf:3:17: error: 'httpstatus' needs HTTP statuses from 100 to 599 and ranges of them, not '70'"]
        )
        #expect(
            summaries(block(80, ["httpheader=\"Host: x\""])) == [
                "ld.cf:3:14: error: 'Host' cannot be set: use virtualhost"
            ]
        )
        #expect(report(block(53, ["dnsrcode=noeror"])).contains("did you mean 'NOERROR'?"))
    }

    @Test(arguments: [
        (80, "dnstype=A", "'dnstype' has no effect on a check with service http"),
        (53, "httpstatus=200", "'httpstatus' has no effect on a check with service dns"),
        (80, "helo=a.test", "'helo' has no effect on a check with service http"),
        (80, "starttls=yes", "'starttls' has no effect on a check with service http"),
        (25, "tlsname=x", "'tlsname' has no effect on a check with service smtp without TLS"),
        (25, "receivenot=\"x\"", "'receivenot' has no effect on a check with service smtp"),
        (443, "tlscafile=/x", "'tlscafile' has no effect without 'tlsverify'"),
        (443, "tlskey=/x", "'tlskey' has no effect without 'tlscert'"),
    ])
    func whatHasNoEffectIsTold(_ port: Int, _ line: String, _ message: String) {
        #expect(summaries(block(port, [line])) == ["ld.cf:3:2: warning: \(message)"])
    }

    @Test func names() throws {
        #expect(try check(53, ["dnstype=soa", "dnsrcode=noerror, NXDOMAIN"]).dns.type == .soa)
        #expect(try check(53, ["dnsrcode=noerror, NXDOMAIN"]).dns.codes == [.noError, .noName])
        #expect(DNSResponseCode.refused.number == 5)
        #expect(try check(143, ["starttls=yes", "tlsverify=chain"]).tls.startsInside)
    }

    // MARK: further checks

    @Test func furtherChecksBeginWithTheDefaults() throws {
        let text = block(
            443,
            [
                "request=\"/a\"", "receive=\"b\"", "checktimeout=2", "checkport=8443", "checkinterval=3", "check=mail",
                "service=imap", "login=\"me\"", "checkport=143", "negotiatetimeout=7", "check=\"the \"ping\"\"",
                "checktype=ping", "quiescent=yes",
            ]
        )
        let server = try onlyServer(text)
        #expect(server.isQuiescent)
        #expect(server.check.login.isEmpty)
        #expect(server.furtherChecks.map(\.name) == ["mail", "the \"ping\""])
        let mail = server.furtherChecks[0].settings
        #expect(mail.service == .imap)
        #expect(mail.content == CheckContent())
        #expect(mail.login == "me")
        #expect(mail.connectTimeout == .seconds(7))
        #expect(mail.negotiateTimeout == .seconds(7))
        #expect(mail.interval == .seconds(3))
        #expect(server.realServers[0].port(of: mail, in: server.identity) == 143)
        let ping = server.furtherChecks[1].settings
        #expect(ping.type == .ping)
        #expect(ping.connectTimeout == .seconds(2))
        #expect(server.realServers[0].port(of: ping, in: server.identity) == 443)
        let again = parse(ConfigurationRenderer().render(try configuration(text)))
        #expect(again.configuration?.virtualServers.first == server)
    }

    @Test(arguments: [
        (["check=a", "check=a"], 4), (["check=a", "checktype=on"], 4), (["check=a", "checktype=3"], 4),
    ])
    func furtherChecksInError(_ lines: [String], _ line: Int) { #expect(errorLines(block(80, lines)) == [line]) }

    @Test func aFurtherCheckNeedsAService() {
        #expect(summaries(block(9999, ["check=a"])) == ["ld.cf:3:8: error: the check 'a' needs a service"])
        #expect(
            summaries(block(80, ["checktype=off", "check=a"]))
                == ["ld.cf:4:2: warning: with checktype=off no further check is made"]
        )
        #expect(errorLines("compat=legacy\n" + block(80, ["check=a"])) == [4])
        #expect(errorLines("check=a\n") == [1])
    }

    @Test func secretsInHeadersAreHidden() throws {
        let all = try configuration(block(80, ["httpheader=\"X-Key: hush\""]))
        #expect(ConfigurationRenderer(hidesSecrets: true).render(all).contains("httpheader=\"X-Key: ***\""))
        #expect(!ConfigurationDocument(all).value.text.contains("hush"))
    }
}
