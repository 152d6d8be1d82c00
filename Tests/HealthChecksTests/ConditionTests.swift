// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// Conditions on answers, TLS inside plain connections, several checks of one server.
@Suite(.timeLimit(.minutes(10)))
struct ConditionTests {
    private static let server = SocketAddress(IPAddress(ipv4: 0x0a01_0001), port: 80)

    private func reason(_ request: HTTPRequest, _ answer: String) -> String {
        let conversation = HTTPConversation(request, server: Self.server, tls: TLSSettings())
        return Play(conversation, [Array(answer.utf8)]).reason
    }

    private func request(_ change: (inout HTTPRequest) throws -> Void) rethrows -> HTTPRequest {
        var request = HTTPRequest(path: "/", host: "www.test", receive: nil)
        try change(&request)
        return request
    }

    private func text(_ request: HTTPRequest) -> String { String(decoding: request.encoded(), as: UTF8.self) }

    // MARK: HTTP

    @Test func statuses() {
        let request = request { $0.statuses = [200...204, 401...401] }
        #expect(reason(request, "HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n") == "up")
        #expect(reason(request, "HTTP/1.1 204 None\r\n\r\n") == "up")
        #expect(reason(request, "HTTP/1.1 206 Part\r\n\r\n") == "answered with HTTP status 206")
        let moved = "HTTP/1.1 302 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
        #expect(reason(self.request { $0.statuses = [302...302] }, moved) == "up")
    }

    @Test func redirectsThatAreNotFollowed() {
        let moved = "HTTP/1.1 302 Moved\r\nLocation: /x\u{7}\r\nContent-Length: 0\r\n\r\n"
        let request = request { $0.redirection = .nowhere }
        #expect(reason(request, moved) == "answered with HTTP status 302, a redirect to \"/x?\", which is not followed")
    }

    @Test func redirectsToOthersMayBeForbidden() {
        let request = request { $0.redirection = .sameServer }
        func moved(_ place: String) -> String {
            reason(request, "HTTP/1.1 302 Moved\r\nLocation: \(place)\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(moved("http://10.1.0.2/") == "HTTP status 302 redirects to another host, \"10.1.0.2\"")
        for place in ["/x", "https://www.test/", "http://10.1.0.1/"] {
            #expect(moved(place) == "waiting")
        }
    }

    @Test func whatMustNotBeThere() throws {
        let request = try request {
            $0.receive = try Pattern("fine")
            $0.receiveNot = try Pattern("sick|dead")
        }
        #expect(reason(request, "HTTP/1.0 200 OK\r\n\r\nall fine") == "up")
        #expect(reason(request, "HTTP/1.0 200 OK\r\n\r\nfine but dead") == "the answer contains \"sick|dead\"")
        #expect(reason(request, "HTTP/1.0 200 OK\r\n\r\n") == "the answer does not match \"fine\"")
    }

    @Test func digestOfTheBody() {
        // SHA-256 of "abc", FIPS 180-4.
        let request = request { $0.bodyDigest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" }
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
        #expect(reason(request, "HTTP/1.0 200 OK\r\n\r\nabc") == "up")
        #expect(reason(request, chunked) == "up")
        #expect(reason(request, "HTTP/1.0 200 OK\r\n\r\nabd").hasPrefix("the answer's digest is a52d159f"))
        let long = "HTTP/1.0 200 OK\r\n\r\n" + String(repeating: "x", count: HTTPResponseParser.bodyLimit + 1)
        #expect(reason(request, long) == "the answer is longer than 1048576 bytes: too long for a digest")
    }

    @Test func whatIsSent() {
        #expect(text(request { $0.isOldVersion = true }).hasPrefix("GET / HTTP/1.0\r\nHost: www.test\r\n"))
        let sent = text(request { $0.headers = ["accept: text/plain", "X-Key: a\r\nX-Evil: b"] })
        #expect(sent.contains("\r\naccept: text/plain\r\nX-Key: aX-Evil: b\r\n\r\n"))
        #expect(!sent.contains("*/*"))
        #expect(sent.contains("Connection: close"))
    }

    @Test func headersStayWithTheirHost() throws {
        let request = request { $0.headers = ["Authorization: x"] }
        func next(_ location: String) -> HTTPRequest? {
            var conversation = HTTPConversation(request, server: Self.server, tls: TLSSettings())
            let answer = "HTTP/1.1 302 Moved\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n"
            guard case .follow(let next, _, _) = conversation.receive(Array(answer.utf8)[...]) else {
                return nil
            }
            return next
        }
        #expect(next("/new")?.headers == ["Authorization: x"])
        #expect(next("https://www.test/new")?.headers == ["Authorization: x"])
        #expect(next("http://10.1.0.2/new")?.headers == [])
    }

    // MARK: TLS inside a plain connection

    private func sent(_ play: Play) -> [String] { play.sent.map { String(decoding: $0, as: UTF8.self) } }

    private func play(_ conversation: some Conversation, _ answers: [String]) -> Play {
        Play(conversation, answers.map { Array($0.utf8) })
    }

    @Test func startOfTLSByLines() {
        let smtp = play(
            LineConversation(.smtp(startsTLS: true)),
            ["220 hi\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "250 x\r\n"]
        )
        #expect(smtp.reason == "up")
        #expect(smtp.startedTLS)
        let hello = "EHLO localhost.localdomain\r\n"
        #expect(sent(smtp) == ["", hello, "STARTTLS\r\n", hello])
        let named = play(LineConversation(.smtp(name: "me.test")), ["220 hi\r\n", "502 what?\r\n", "250 x\r\n"])
        #expect(sent(named) == ["", "EHLO me.test\r\n", "HELO me.test\r\n"])
        let none = play(LineConversation(.smtp(startsTLS: true)), ["220 hi\r\n", "250 x\r\n", "502 what?\r\n"])
        #expect(none.reason == "start of TLS refused: \"502 what?\"")
        let imap = play(
            LineConversation(.imap(login: "u", password: "p", startsTLS: true)),
            ["* OK hi\r\n", "a0 OK go\r\n", "a1 OK in\r\n"]
        )
        #expect(sent(imap) == ["", "a0 STARTTLS\r\n", "a1 LOGIN \"u\" \"p\"\r\n"])
        #expect(imap.startedTLS && imap.reason == "up")
        let nntp = play(LineConversation(.nntp(startsTLS: true)), ["200 hi\r\n", "382 go\r\n"])
        #expect(nntp.startedTLS && nntp.reason == "up")
    }

    @Test func startOfTLSInPOP() {
        let login = POPLogin(login: "u", password: "p", startsTLS: true)
        let good = play(
            POPConversation(login),
            ["+OK <1@x>\r\n", "+OK go\r\n", "+OK\r\n.\r\n", "+OK\r\n", "+OK\r\n"]
        )
        #expect(sent(good) == ["", "STLS\r\n", "CAPA\r\n", "USER u\r\n", "PASS p\r\n"])
        #expect(good.startedTLS && good.reason == "up")
        let bad = play(POPConversation(login), ["+OK\r\n", "-ERR never\r\n"])
        #expect(bad.reason == "start of TLS refused: \"-ERR never\"")
    }

    @Test func startOfTLSInFTP() throws {
        var dialogue = FTPDialogue(
            FTPRetrieval(login: "u", password: "p", path: "/f", receive: nil, startsTLS: true),
            .ipv4
        )
        func answer(_ line: String) -> FTPDialogue.Action { dialogue.receive(Array((line + "\r\n").utf8)[...]) }
        #expect(answer("220 hi") == .send("AUTH TLS"))
        #expect(answer("234 go") == .startTLS)
        #expect(dialogue.secured() == .send("USER u"))
        #expect(answer("230 in") == .send("PBSZ 0"))
        #expect(answer("200 0") == .send("PROT P"))
        #expect(answer("200 ok") == .send("TYPE I"))
        var plain = FTPDialogue(
            FTPRetrieval(login: "u", password: "p", path: nil, receive: nil, startsTLS: true),
            .ipv4
        )
        _ = plain.receive(Array("220 hi\r\n".utf8)[...])
        let refused = plain.receive(Array("530 no\r\n".utf8)[...])
        #expect(refused == .finish(.down("start of TLS refused: \"530 no\"")))
    }

    // MARK: several checks

    private func all(_ probes: [(String, Probe)], on loop: EventLoop) throws -> CheckOutcome? {
        let parts = probes.map { Probe.Part(name: $0.0, probe: $0.1) }
        return try result(of: try #require(Probe(all: parts)), on: loop)?.outcome
    }

    private func connect(_ address: SocketAddress) -> Probe {
        Probe(.connect, of: address, connectTimeout: .seconds(9), timeout: .seconds(9))
    }

    @Test func allMustSucceed() throws {
        let loop = try EventLoop()
        let one = try LocalServer(.silent, on: loop)
        let two = try LocalServer(.silent, on: loop)
        #expect(Probe(all: []) == nil)
        #expect(try all([("", connect(one.address)), ("b", connect(two.address))], on: loop) == .up)
        let closed = SocketAddress(one.address.address, port: 1)
        let refused = "connection to port 1 refused"
        #expect(
            try all([("", connect(one.address)), ("b", connect(closed))], on: loop) == .down("check \"b\": \(refused)")
        )
        #expect(try all([("", connect(closed)), ("b", connect(two.address))], on: loop) == .down(refused))
    }

    @Test func oneThatFailsEndsTheOthers() throws {
        let loop = try EventLoop()
        let silent = try LocalServer(.silent, on: loop)
        let slow = Probe(.lines(.nntp()), of: silent.address, connectTimeout: .seconds(300), timeout: .seconds(300))
        let broken = Probe(
            .command(["/nowhere/at/all"]),
            of: silent.address,
            connectTimeout: .seconds(9),
            timeout: .seconds(9)
        )
        let outcome = try all([("slow", slow), ("program", broken)], on: loop)
        #expect(outcome?.description.hasPrefix("check \"program\": check command: ") == true)
    }

    // MARK: expressions

    @Test(arguments: ["^(a+)+$", "(a|aa)+$", "(.*a){25}b", "(?=(a+))a*b\\1"])
    func explosiveExpressionsAreBounded(_ source: String) throws {
        let pattern = try Pattern(source)
        #expect(pattern.search(Array(repeating: UInt8(ascii: "a"), count: 5000) + [UInt8(ascii: "!")]) != .found)
    }

    @Test func anExplosiveExpressionNamesItself() throws {
        let request = try request { $0.receive = try Pattern("^(a+)+$") }
        let answer = "HTTP/1.0 200 OK\r\n\r\n" + String(repeating: "a", count: 5000) + "!"
        #expect(
            reason(request, answer) == "\"^(a+)+$\" needs too many steps on this answer; write a simpler expression"
        )
    }
}
