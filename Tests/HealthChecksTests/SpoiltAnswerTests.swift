// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// No spoilt answer in lines, of HTTP, SIP or of any text traps, hangs, or makes a reason that cannot be printed; see the suites of
/// the other services for theirs.
@Suite(.timeLimit(.minutes(10)))
struct SpoiltAnswerTests {
    private static let password = "sesame-4711"

    private func fuzz(
        _ name: String,
        ups: Bool = true,
        isStream: Bool = true,
        _ make: (Int) throws -> (any Conversation, [String])
    ) throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        var fuzzer = Fuzzer(seed: seed)
        for number in 0..<Fuzzer.rounds {
            let (conversation, answers) = try make(number)
            let bytes = answers.map { Array($0.utf8) }
            if let fault = fuzzer.round(conversation, bytes, hidden: Self.password, isStream: isStream) {
                Issue.record("\(name), seed \(seed), round \(number): \(fault)")
            }
        }
        #expect(!ups || (50..<Fuzzer.rounds - 50).contains(fuzzer.ups), "\(name), seed \(seed): \(fuzzer.ups)")
    }

    @Test func lines() throws {
        try fuzz("smtp") { number in
            let starts = number % 2 == 0
            let answers = ["220 hi\r\n", "250-a\r\n250-STARTTLS\r\n250 b\r\n"]
            return (
                LineConversation(.smtp(startsTLS: starts)),
                answers + (starts ? ["220 go\r\n", "250-a\r\n250 b\r\n"] : [])
            )
        }
        try fuzz("imap") { number in
            let starts = number % 2 == 0
            let dialogue = LineDialogue.imap(login: "u", password: Self.password, startsTLS: starts)
            let tail = ["* CAPABILITY x\r\na1 OK in\r\n"]
            return (LineConversation(dialogue), ["* OK hi\r\n"] + (starts ? ["a0 OK go\r\n"] : []) + tail)
        }
        try fuzz("nntp") { number in
            (LineConversation(.nntp(startsTLS: number % 2 == 0)), ["200 a b\r\n", "382 go\r\n"])
        }
    }

    @Test func mailboxes() throws {
        let capabilities = "+OK\r\nUSER\r\nSASL PLAIN CRAM-MD5\r\n.\r\n"
        try fuzz("pop") { number in
            let login = POPLogin(login: "u", password: Self.password, startsTLS: number % 4 == 0)
            let talks = [
                ["+OK hi\r\n", "+OK go\r\n", "+OK\r\nUSER\r\n.\r\n", "+OK\r\n", "+OK\r\n"],
                ["+OK <1896.697170952@dbc.mtview.ca.us>\r\n", "+OK in\r\n"],
                ["+OK hi\r\n", capabilities, "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+\r\n", "+OK in\r\n"],
                ["+OK hi\r\n", "-ERR\r\n", "+OK\r\n", "-ERR not \(Self.password)\r\n"],
            ]
            return (POPConversation(login), talks[number % 4])
        }
    }

    @Test func web() throws {
        let server = SocketAddress(IPAddress(ipv4: 0x0a01_0001), port: 80)
        let answers = [
            ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nalive"],
            [
                "HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nal\r\n3\r\nive\r\n0\r\nT: u\r\n\r\n"
            ],
            ["HTTP/1.0 200 OK\r\n\r\n", "al", "ive\n"],
            ["HTTP/1.1 200 Connected\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalive"],
            ["HTTP/1.1 302 Moved\r\nLocation: http://[2001:db8::1]:81/x?y#z\r\nContent-Length: 0\r\n\r\n"],
        ]
        try fuzz("http") { number in
            var request = HTTPRequest(path: "/", host: "www.test", receive: try Pattern("^alive"))
            request.receiveNot = try Pattern("dead")
            request.isProxied = number % 5 == 3
            request.isSecure = number % 5 == 3
            request.statuses = number % 2 == 0 ? [200...299] : [100...599]
            return (HTTPConversation(request, server: server, tls: TLSSettings()), answers[number % 5])
        }
    }

    @Test(arguments: [Probe.Transport.tcp, .udp]) func phones(_ transport: Probe.Transport) throws {
        try fuzz("sip", isStream: transport == .tcp) { _ in
            let conversation = SIPConversation(SIPOptions(login: "a@b", host: "h"), transport)
            let request = String(decoding: conversation.opening(), as: UTF8.self)
            let call = request.split(separator: "\r\n").first { $0.hasPrefix("Call-ID") } ?? ""
            let tail = "\r\n\(call)\r\nContent-Length: 0\r\n\r\n"
            return (conversation, ["SIP/2.0 100 Trying\(tail)", "SIP/2.0 200 OK\(tail)"])
        }
    }

    @Test func anyText() throws {
        try fuzz("text") { _ in
            (TextConversation(TextExchange(request: "x", receive: try Pattern("^b+$")), .tcp), ["a\n", "bbb\nccc\n"])
        }
    }

    @Test func files() throws {
        let seed = UInt64.random(in: 0..<1_000_000)
        var random = SeededGenerator(seed: seed)
        let replies = [
            "220-hi\r\n220 there\r\n", "234 go\r\n", "331 password\r\n", "230 in\r\n", "200 0\r\n", "200 private\r\n",
            "200 binary\r\n", "227 Entering (10,0,0,1,4,1).\r\n", "229 Extended (|||2121|)\r\n", "150 here\r\n",
            "226 done\r\n",
            "550 not \(Self.password)\r\n",
        ]
        var ends = 0
        for number in 0..<Fuzzer.rounds {
            let retrieval = FTPRetrieval(
                login: "u",
                password: Self.password,
                path: "/f",
                receive: try Pattern("alive"),
                startsTLS: number % 2 == 0
            )
            var dialogue = FTPDialogue(retrieval, number % 3 == 0 ? .ipv6 : .ipv4)
            for step in 0..<30 {
                var bytes = Array((step < 11 ? replies[step] : replies[Int.random(in: 0..<12, using: &random)]).utf8)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                var action = dialogue.receive(bytes[...])
                if action == .startTLS {
                    action = dialogue.secured()
                }
                if case .openData = action {
                    _ = dialogue.receiveData(Array("al".utf8)[...])
                    _ = dialogue.receiveData(Array("ive".utf8)[...])
                    action = dialogue.endData()
                }
                if case .finish(let outcome) = action {
                    ends += 1
                    let reason = outcome.description
                    let isFit = !reason.isEmpty && reason.count < 500 && !reason.contains(Self.password)
                    #expect(
                        isFit && !reason.unicodeScalars.contains(where: { $0.value < 32 }),
                        "seed \(seed), round \(number): \(reason)"
                    )
                    break
                }
            }
        }
        #expect(ends > Fuzzer.rounds / 4, "seed \(seed)")
    }

    @Test func TLSInsideMySQL() throws {
        let login = MySQLLogin(login: "u", password: Self.password, database: "", query: "SELECT 1", startsTLS: true)
        let greeting = hex(
            "4a0000000a352e352e352d3130000b000000" + "6162636465666768" + "00" + "fffa" + "08" + "0200" + "0f80" + "15"
                + "00000000000000000000" + "696a6b6c6d6e6f7071727374" + "00"
                + "6d7973716c5f6e61746976655f70617373776f726400"
        )
        let size = greeting.count - 4
        let framed = [UInt8(size & 255), UInt8(size >> 8), 0, 0] + greeting.dropFirst(4)
        let good = hex("0700000300000002000000")
        let play = Play(MySQLConversation(login), [framed, good], closes: false)
        #expect(play.startedTLS, "\(play.reason)")
        // The request for TLS is the beginning of the login, which follows with the next number.
        #expect(play.sent.count > 2 && play.sent[1].count == 36 && play.sent[1][3] == 1 && play.sent[2][3] == 2)
        #expect(play.sent.dropFirst(2).first?[4..<36] == play.sent[1][4..<36])
        var without = framed
        without[4 + 24] &= 0xf7
        #expect(Play(MySQLConversation(login), [without]).reason == "server does not offer TLS")
        #expect(Play(MySQLConversation(login), [framed + good]).reason == "server sent data before TLS stood")
    }

    /// Lines that each take almost as many steps as a search may: together they take a fraction of a second.
    @Test func manyExpensiveLinesAreBounded() throws {
        let line = String(repeating: "x", count: 14) + "\n"
        let pattern = try Pattern("(x+x+)+[yz]")
        var conversation = TextConversation(TextExchange(request: "", receive: pattern), .tcp)
        let text = Array(String(repeating: line, count: 4000).utf8)
        #expect(conversation.receive(text[...]).description.contains("too many steps"))
    }
}

extension ConversationStep {
    fileprivate var description: String {
        if case .finish(let outcome) = self { outcome.description } else { "goes on" }
    }
}
