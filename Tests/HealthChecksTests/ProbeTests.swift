// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import LinuxKit
import Testing

/// Probes against servers that the test plays itself on loopback.
@Suite(.timeLimit(.minutes(10)))
struct ProbeTests {
    private func httpProbe(
        _ behaviour: LocalServer.Behaviour,
        receive: String? = nil,
        timeout: Duration = .seconds(30)
    ) throws -> CheckResult? {
        let loop = try EventLoop()
        let server = try LocalServer(behaviour, on: loop)
        let request = HTTPRequest(path: "/alive", host: "www.test", receive: try receive.map { try Pattern($0) })
        let probe = Probe(.http(request), of: server.address, connectTimeout: timeout, timeout: timeout)
        let result = try result(of: probe, on: loop)
        withExtendedLifetime(server) {}
        return result
    }

    private func reason(_ result: CheckResult?) -> String {
        guard case .down(let reason) = result?.outcome else {
            return "not down"
        }
        return reason
    }

    @Test func goodAnswer() throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalive"
        #expect(try httpProbe(.send([answer]), receive: "^alive$")?.outcome == .up)
    }

    @Test func answerOfAServerThatKeepsTheConnection() throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalive"
        #expect(try httpProbe(.send([answer], thenClose: false), receive: "alive")?.outcome == .up)
    }

    @Test func answerByteByByte() throws {
        let answer = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nali\r\n2\r\nve\r\n0\r\n\r\n")
        let probe = try httpProbe(.send(answer.map(String.init)), receive: "^alive$")
        #expect(probe?.outcome == .up)
    }

    @Test func wrongContent() throws {
        let answer = "HTTP/1.1 200 OK\r\n\r\nsorry"
        #expect(reason(try httpProbe(.send([answer]), receive: "alive")) == "the answer does not match \"alive\"")
    }

    @Test func wrongStatus() throws {
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        #expect(reason(try httpProbe(.send([answer]))) == "answered with HTTP status 404")
    }

    @Test func notHTTP() throws {
        #expect(reason(try httpProbe(.send(["SSH-2.0-OpenSSH\r\n"]))) == "server did not answer with HTTP")
    }

    @Test func silentServer() throws {
        let result = try httpProbe(.silent, timeout: .milliseconds(400))
        #expect(reason(result) == "connected, but no complete answer within 0.4 s")
        #expect((result?.duration ?? .zero) >= .milliseconds(400))
    }

    @Test func dribblingServerMeetsTheDeadline() throws {
        let portions = Array(repeating: "HTTP/1.1 200 OK and so on", count: 400)
        let behaviour = LocalServer.Behaviour.send(portions, pause: .milliseconds(100))
        let result = try httpProbe(behaviour, timeout: .milliseconds(400))
        #expect(reason(result) == "connected, but no complete answer within 0.4 s")
        #expect((result?.duration ?? .zero) < .seconds(30))
    }

    @Test func resettingServer() throws {
        #expect(reason(try httpProbe(.reset)) == "server reset the connection")
    }

    @Test func closingServer() throws {
        #expect(reason(try httpProbe(.send([""]))) == "server closed the connection without an answer")
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nalive"
        #expect(reason(try httpProbe(.send([cut]), receive: "alive")) == "server closed the connection inside the body")
    }

    @Test func endlessHeader() throws {
        #expect(reason(try httpProbe(.endless)) == "server sent a header longer than 16384 bytes")
    }

    @Test func oversizedBodyIsJudgedByItsStart() throws {
        let answer =
            ["HTTP/1.1 200 OK\r\n\r\nalive"] + Array(repeating: String(repeating: "x", count: 10_000), count: 110)
        #expect(try httpProbe(.send(answer), receive: "^alive")?.outcome == .up)
        let result = try httpProbe(.send(answer), receive: "nothing")
        #expect(reason(result).contains("the first 1048576 bytes"))
    }

    @Test func explosiveExpressionIsBounded() throws {
        let answer = "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: 5000) + "b"
        let result = try httpProbe(.send([answer]), receive: "^(a|aa)+$")
        #expect(reason(result).contains("too many steps"))
    }

    @Test func redirectToAnotherPath() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.send(["HTTP/1.1 302 Found\r\nLocation: /next\r\n\r\n"]), on: loop)
        let request = HTTPRequest(path: "/", host: "www.test", receive: nil)
        let probe = Probe(.http(request), of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
        #expect(reason(try result(of: probe, on: loop)) == "more than 7 redirects")
        #expect(server.requests.count == 8)
        #expect(server.requests.last?.hasPrefix("GET /next HTTP/1.1\r\nHost: www.test\r\n") == true)
    }

    @Test func refusedConnection() throws {
        let loop = try EventLoop()
        let address = try LocalServer(.silent, on: loop).address
        let probe = Probe(.connect, of: address, connectTimeout: .seconds(30), timeout: .seconds(30))
        #expect(reason(try result(of: probe, on: loop)) == "connection to port \(address.port) refused")
    }

    @Test func plainConnect() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.silent, on: loop)
        let probe = Probe(.connect, of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
        #expect(try result(of: probe, on: loop)?.outcome == .up)
        withExtendedLifetime(server) {}
    }

    @Test func nntpGreeting() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.send(["200 news\r\n"], afterRequest: false, thenClose: false), on: loop)
        let probe = Probe(.lines(.nntp()), of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
        #expect(try result(of: probe, on: loop)?.outcome == .up)
        withExtendedLifetime(server) {}
    }

    @Test(.enabled(if: geteuid() == 0, "needs root for a raw socket"), arguments: ["127.0.0.1", "::1"])
    func ping(_ text: String) throws {
        let address = try #require(IPAddress(text))
        let target = SocketAddress(address, port: 0)
        let probe = Probe(.ping(count: 1), of: target, connectTimeout: .seconds(30), timeout: .seconds(30))
        #expect(try result(of: probe, on: try EventLoop())?.outcome == .up)
    }

    @Test func commands() throws {
        let target = SocketAddress(IPAddress(ipv4: 0), port: 0)
        func run(_ arguments: [String], limit: Duration = .seconds(30)) throws -> CheckResult? {
            let probe = Probe(.command(arguments), of: target, connectTimeout: limit, timeout: limit)
            return try result(of: probe, on: try EventLoop())
        }
        #expect(try run(["/bin/true"])?.outcome == .up)
        #expect(reason(try run(["/bin/sh", "-c", "exit 3"])) == "check command: exit status 3")
        #expect(
            reason(try run(["/bin/sleep", "90"], limit: .milliseconds(300))) == "check command still ran after 0.3 s"
        )
        #expect(reason(try run(["/nonexistent"])).contains("No such file"))
    }

    @Test func limitOfChecksAtATime() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.silent, on: loop)
        let prober = Prober(on: loop, limit: 3)
        var outcomes = 0
        for _ in 0..<20 {
            let probe = Probe(.connect, of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
            prober.start(probe) { result in
                #expect(prober.runningCount < 3)
                outcomes += result.outcome == .up ? 1 : 0
                if outcomes == 20 {
                    loop.stop()
                }
            }
        }
        loop.after(.seconds(60)) { loop.stop() }
        try loop.run()
        #expect(outcomes == 20)
    }

    @Test(arguments: [(LineDialogue.nntp(), "200 news\r\n", "QUIT\r\n"), (LineDialogue.smtp(), "554 no\r\n", "")])
    func goodBye(dialogue: LineDialogue, greeting: String, farewell: String) throws {
        let loop = try EventLoop()
        let server = try LocalServer(.greet(greeting), on: loop)
        let probe = Probe(.lines(dialogue), of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
        _ = try result(of: probe, on: loop)
        let rest = server.takeRest()
        #expect(rest.requests == [farewell])
        #expect(rest.isClosed)
    }
}
