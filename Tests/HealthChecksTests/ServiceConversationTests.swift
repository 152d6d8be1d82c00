// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HealthChecks

/// The talks with servers as values: what is sent for what was received.
struct ServiceConversationTests {
    private func text(_ step: ConversationStep) -> String {
        switch step {
        case .send(let bytes): String(decoding: bytes, as: UTF8.self)
        case .finish(let outcome): outcome.description
        case .wait: "wait"
        case .startTLS, .sendAndStartTLS: "startTLS"
        case .follow(let request, let address, let tls): "\(request.host)\(request.path) \(address) \(tls != nil)"
        }
    }

    private func play(_ conversation: some Conversation, _ answers: [String]) -> [String] {
        var conversation = conversation
        return answers.map { text(conversation.receive(Array($0.utf8)[...])) }
    }

    // MARK: POP

    @Test func popGreetingIsEnoughWithoutALogin() {
        let conversation = POPConversation(POPLogin(login: "", password: ""))
        #expect(play(conversation, ["+OK ready\r\n"]) == ["ok"])
        #expect(play(conversation, ["-ERR no\r\n"]) == ["greeting refused: \"-ERR no\""])
    }

    /// The example of RFC 1939, 7.
    @Test func popDigestOfTheGreeting() {
        let conversation = POPConversation(POPLogin(login: "mrose", password: "tanstaaf"))
        let greeting = "+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"
        #expect(
            play(conversation, [greeting, "+OK maildrop has 1 message\r\n"]) == [
                "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n", "ok",
            ]
        )
    }

    /// The example of RFC 2195, 2.
    @Test func popChallenge() {
        let conversation = POPConversation(POPLogin(login: "tim", password: "tanstaaftanstaaf"))
        let challenge = "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n"
        #expect(
            play(conversation, ["+OK\r\n", "+OK list\r\nUSER\r\nSASL PLAIN CRAM-MD5\r\n.\r\n", challenge, "+OK\r\n"])
                == [
                    "CAPA\r\n", "AUTH CRAM-MD5\r\n", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n", "ok",
                ]
        )
    }

    @Test func aReasonDoesNotRepeatThePassword() {
        let pop = POPConversation(POPLogin(login: "u", password: "sesame"))
        let talk = play(pop, ["+OK\r\n", "-ERR\r\n", "+OK\r\n", "-ERR not sesame\r\n"])
        #expect(talk.last == "login refused: \"-ERR not ***\"")
        let imap = LineConversation(.imap(login: "u", password: "sesame"))
        #expect(play(imap, ["* OK\r\n", "a1 NO sesame?\r\n"]).last == "login refused: \"a1 NO ***?\"")
    }

    @Test func popPlainLogin() {
        let conversation = POPConversation(POPLogin(login: "u", password: "secret"))
        let talk = play(conversation, ["+OK\r\n", "-ERR what?\r\n", "+OK\r\n", "-ERR authentication failed\r\n"])
        #expect(talk == ["CAPA\r\n", "USER u\r\n", "PASS secret\r\n", "login refused: \"-ERR authentication failed\""])
    }

    // MARK: FTP

    private func ftp(_ path: String?, receive: String? = nil, family: IPAddress.Family = .ipv4) throws -> FTPDialogue {
        let pattern = try receive.map { try Pattern($0) }
        return FTPDialogue(FTPRetrieval(login: "u", password: "p", path: path, receive: pattern), family)
    }

    private func act(_ dialogue: inout FTPDialogue, _ line: String) -> FTPDialogue.Action {
        dialogue.receive(Array((line + "\r\n").utf8)[...])
    }

    @Test func ftpLoginIsEnoughWithoutAFile() throws {
        var dialogue = try ftp(nil)
        #expect(act(&dialogue, "220-hello\r\n220 not yet? yes") == .send("USER u"))
        #expect(act(&dialogue, "331 password") == .send("PASS p"))
        #expect(act(&dialogue, "230 in") == .finish(.up))
    }

    @Test func ftpWrongPassword() throws {
        var dialogue = try ftp(nil)
        _ = act(&dialogue, "220 hello")
        _ = act(&dialogue, "331 password")
        #expect(act(&dialogue, "530 no") == .finish(.down("login refused: \"530 no\"")))
    }

    @Test func ftpFile() throws {
        var dialogue = try ftp("/f", receive: "good")
        for line in ["220 hello", "331 password", "230 in"] {
            _ = act(&dialogue, line)
        }
        #expect(act(&dialogue, "200 binary") == .send("PASV"))
        #expect(act(&dialogue, "227 Entering (10,0,0,1,4,1).") == .openData(port: 1025, send: "RETR /f"))
        #expect(dialogue.receiveData(Array("all good".utf8)[...]) == .wait)
        #expect(act(&dialogue, "150 here it comes") == .wait)
        #expect(dialogue.endData() == .wait)
        #expect(act(&dialogue, "226 done") == .finish(.up))
    }

    @Test func ftpMissingFile() throws {
        var dialogue = try ftp("/f", family: .ipv6)
        for line in ["220 hello", "331 password", "230 in"] {
            _ = act(&dialogue, line)
        }
        #expect(act(&dialogue, "200 binary") == .send("EPSV"))
        #expect(act(&dialogue, "229 Extended (|||2121|)") == .openData(port: 2121, send: "RETR /f"))
        #expect(act(&dialogue, "550 no such file") == .finish(.down("transfer refused: \"550 no such file\"")))
    }

    @Test(arguments: ["227 (1,2,3,4,5)", "227 none", "227 (1,2,3,4,256,1)", "227 (1,2,3,4,0,0)", "228 (1,2,3,4,5,6)"])
    func ftpBadPassiveAnswers(_ reply: String) {
        #expect(FTPDialogue.passivePort(reply) == nil)
    }

    @Test(arguments: ["229 (|||0|)", "229 (|||70000|)", "229 ()", "229", "229 (||||)"])
    func ftpBadExtendedAnswers(_ reply: String) {
        #expect(FTPDialogue.extendedPort(reply) == nil)
    }

    // MARK: SIP

    private func sipAnswer(_ conversation: inout SIPConversation, _ status: String, mine: Bool = true) -> String {
        let request = String(decoding: conversation.opening(), as: UTF8.self)
        let call = request.split(separator: "\r\n").first { $0.hasPrefix("Call-ID") } ?? ""
        return "SIP/2.0 \(status)\r\n\(mine ? call : "Call-ID: other")\r\nContent-Length: 0\r\n\r\n"
    }

    @Test func sipAnswers() {
        let options = SIPOptions(login: "a@b", host: "h")
        var conversation = SIPConversation(options, .udp)
        let good = sipAnswer(&conversation, "200 OK")
        let trying = sipAnswer(&conversation, "100 Trying")
        let busy = sipAnswer(&conversation, "503 Busy")
        let foreign = sipAnswer(&conversation, "200 OK", mine: false)
        #expect(play(conversation, [trying, foreign, "junk", good]) == ["wait", "wait", "wait", "ok"])
        #expect(play(conversation, [busy]) == ["answered \"SIP/2.0 503 Busy\""])
        #expect(String(decoding: conversation.opening(), as: UTF8.self).contains("SIP/2.0/UDP"))
        #expect(String(decoding: SIPConversation(options, .tcp).opening(), as: UTF8.self).contains("SIP/2.0/TCP"))
    }

    // MARK: any text

    @Test func textEscapes() {
        let bytes = TextExchange(request: #"a\n\r\t\x41\\ \q\x4"#, receive: nil).request
        #expect(bytes == Array("a\n\r\tA\\ \\q\\x4".utf8))
    }

    @Test func textLineByLineAndWhole() throws {
        let line = TextConversation(TextExchange(request: "", receive: try Pattern("^b$")), .tcp)
        #expect(play(line, ["a\nb", "\nc\n"]) == ["wait", "ok"])
        var across = TextConversation(TextExchange(request: "", receive: try Pattern("a\nb")), .tcp)
        #expect(across.receive(Array("a\nb\n".utf8)[...]) == .wait)
        #expect(across.end() == .finish(.up))
        var anything = TextConversation(TextExchange(request: "x", receive: nil), .tcp)
        #expect(anything.receive([0][...]) == .finish(.up))
        var nothing = TextConversation(TextExchange(request: "x", receive: nil), .tcp)
        #expect(nothing.end() != .finish(.up))
    }

    @Test func textThatMustNotCome() throws {
        func conversation(_ receive: String?, _ not: String, _ transport: Probe.Transport = .tcp) throws
            -> TextConversation
        {
            let wanted = try receive.map { try Pattern($0) }
            return TextConversation(
                TextExchange(request: "", receive: wanted, receiveNot: try Pattern(not)),
                transport
            )
        }
        #expect(play(try conversation("^b$", "sick"), ["a\nb", "\nsick\n"]) == ["wait", "ok"])
        #expect(play(try conversation("^b", "sick"), ["a\n", "b sick\n"]) == ["wait", "the answer contains \"sick\""])
        var all = try conversation(nil, "si\nck")
        #expect(all.receive(Array("a\nsi".utf8)[...]) == .wait)
        #expect(all.receive(Array("\nck".utf8)[...]) == .wait)
        #expect(all.end() == .finish(.down("the answer contains \"si\nck\"")))
        var good = try conversation(nil, "sick")
        #expect(good.receive(Array("alive\n".utf8)[...]) == .wait)
        #expect(good.end() == .finish(.up))
        var empty = try conversation(nil, "sick")
        #expect(empty.end() == .finish(.down("server closed the connection without sending anything")))
        #expect(play(try conversation(nil, "sick", .udp), ["alive"]) == ["ok"])
        #expect(play(try conversation(nil, "sick", .udp), ["so sick"]) == ["the answer contains \"sick\""])
        #expect(play(try conversation("alive", "sick", .udp), ["well"]) == ["the answer does not match \"alive\""])
    }

    // MARK: HTTP through a proxy, TLS

    @Test func proxyRequests() {
        var request = HTTPRequest(path: "/x", host: "www.test:81", isProxied: true, receive: nil)
        #expect(
            String(decoding: request.encoded(), as: UTF8.self).hasPrefix(
                "GET http://www.test:81/x HTTP/1.1\r\nHost: www.test:81\r\n"
            )
        )
        request.isSecure = true
        #expect(
            String(decoding: request.encodedTunnelRequest(), as: UTF8.self).hasPrefix("CONNECT www.test:81 HTTP/1.1")
        )
        request.host = "[2001:db8::1]"
        #expect(String(decoding: request.encodedTunnelRequest(), as: UTF8.self).hasPrefix("CONNECT [2001:db8::1]:443 "))
    }

    @Test func tunnelThenTLSThenRequest() throws {
        let proxy = SocketAddress(try #require(IPAddress("10.1.0.1")), port: 3128)
        let request = HTTPRequest(path: "/x", host: "www.test", isSecure: true, isProxied: true, receive: nil)
        var conversation = HTTPConversation(request, server: proxy, tls: TLSSettings())
        #expect(text(.send(conversation.opening())).hasPrefix("CONNECT www.test:443"))
        #expect(conversation.receive(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)[...]) == .startTLS)
        #expect(text(conversation.secured()).hasPrefix("GET /x HTTP/1.1"))
        #expect(conversation.receive(Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".utf8)[...]) == .finish(.up))
    }

    @Test func proxyThatRefusesTheTunnel() throws {
        let proxy = SocketAddress(try #require(IPAddress("10.1.0.1")), port: 3128)
        let request = HTTPRequest(path: "/", host: "www.test", isSecure: true, isProxied: true, receive: nil)
        let conversation = HTTPConversation(request, server: proxy, tls: TLSSettings())
        #expect(
            play(conversation, ["HTTP/1.1 403 Forbidden\r\n\r\n"]) == ["proxy answered with HTTP status 403 to CONNECT"]
        )
    }

    @Test func redirectToHTTPS() throws {
        let server = SocketAddress(try #require(IPAddress("10.1.0.1")), port: 80)
        let request = HTTPRequest(path: "/", host: "www.test", receive: nil)
        let conversation = HTTPConversation(request, server: server, tls: TLSSettings())
        let moved = "HTTP/1.1 301 Moved\r\nLocation: https://www.test/new\r\nContent-Length: 0\r\n\r\n"
        #expect(play(conversation, [moved]) == ["www.test/new 10.1.0.1:443 true"])
    }

    @Test func base64() {
        for length in 0..<50 {
            let bytes = (0..<length).map { UInt8(($0 * 37 + length) & 255) }
            #expect(Base64.decode(Base64.encode(bytes).utf8) == bytes)
        }
        #expect(Base64.decode("a==".utf8) == nil)
        #expect(Base64.decode("%%%%".utf8) == nil)
    }
}
