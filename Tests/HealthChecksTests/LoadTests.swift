// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@testable import HealthChecks

/// Where checks come from, weights that commands print, UDP without an answer, and many checks at a time.
@Suite(.timeLimit(.minutes(10)))
struct LoadTests {
    @Test func checksComeFromWhereTheyShall() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.silent, on: loop)
        var probe = Probe(.connect, of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
        probe.origin = CheckOrigin(address: IPAddress("127.0.0.77"))
        #expect(try result(of: probe, on: loop)?.outcome == .up)
        // 192.0.2.0/24 is nobody's (RFC 5737).
        probe.origin = CheckOrigin(address: IPAddress("192.0.2.1"))
        let outcome = try result(of: probe, on: loop)?.outcome
        #expect(outcome == .down("cannot check from 192.0.2.1: Cannot assign requested address"))
        probe.origin = CheckOrigin(interface: "no-such-device")
        guard case .down(let reason)? = try result(of: probe, on: loop)?.outcome else {
            Issue.record("a check by a missing interface succeeded")
            return
        }
        #expect(reason.hasPrefix("cannot check by interface no-such-device: "))
    }

    @Test(arguments: [
        ("weight=5\n", 5), ("  weight=7 \r\nrest\n", 7), ("weight=0", 0), ("weight=1\nweight=2\n", 2),
        ("weight=250\n", 100),
        ("weight=99999999999999999999\n", nil), ("weight=-5\n", nil), ("weight=5x\n", nil), ("my weight=5\n", nil),
        ("weight=\n", nil), ("", nil), ("WEIGHT=5\n", nil),
    ])
    func printedWeights(_ output: String, _ weight: Int?) {
        #expect(PrintedWeight.read(output.utf8, largest: 100) == weight)
    }

    private func run(_ script: String, largestWeight: Int) throws -> CheckResult? {
        var probe = Probe(
            .command(["/bin/sh -c \"\(script)\""]),
            of: SocketAddress(IPAddress(ipv4: 0x7f00_0001), port: 1),
            connectTimeout: .seconds(9),
            timeout: .seconds(9)
        )
        probe.largestWeight = largestWeight
        return try result(of: probe, on: try EventLoop())
    }

    @Test func commandsTellWeights() throws {
        #expect(try run("echo weight=12", largestWeight: 100)?.weight == 12)
        #expect(try run("echo weight=12", largestWeight: 0)?.weight == nil)
        #expect(try run("echo weight=12; exit 1", largestWeight: 100)?.weight == nil)
        let much = try run("echo weight=3; head -c 300000 /dev/zero", largestWeight: 100)
        #expect(much?.outcome == .up)
        #expect(much?.weight == 3)
        // Its child has the pipe for longer; nobody waits for that.
        let left = try run("echo weight=4; sleep 300 & exit 0", largestWeight: 100)
        #expect(left?.weight == 4)
    }

    @Test func silenceIsGoodOverUDPWhereNothingElseIsAskedFor() throws {
        let socket = OwnedDescriptor(
            owning: try systemCall("socket") {
                Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
            }
        )
        let any = SocketAddress(IPAddress(ipv4: 0x7f00_0001), port: 0)
        _ = try any.withSockaddr { pointer, length in try systemCall("bind") { bind(socket.raw, pointer, length) } }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try systemCall("getsockname") {
            withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.raw, $0, &length) }
            }
        }
        let address = try #require(SocketAddress(storage))
        var exchange = TextExchange(request: "", receive: nil)
        func outcome(_ limit: Duration) throws -> CheckOutcome? {
            let probe = Probe(.text(exchange), of: address, over: .udp, connectTimeout: limit, timeout: limit)
            return try result(of: probe, on: try EventLoop())?.outcome
        }
        exchange.acceptsSilence = true
        #expect(try outcome(.milliseconds(300)) == .up)
        exchange.receive = try Pattern("x")
        #expect(try outcome(.milliseconds(300)) == .down("no answer from UDP port \(address.port) within 0.3 s"))
        exchange.receive = nil
        _ = close(socket.take())
        #expect(try outcome(.seconds(9)) == .down("UDP port \(address.port) is closed"))
    }

    @Test func urgentChecksGoBeforeOthers() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.silent, on: loop)
        let prober = Prober(on: loop, limit: 1000)
        let probe = Probe(.connect, of: server.address, connectTimeout: .seconds(60), timeout: .seconds(60))
        var order: [Int] = []
        let ids = (0..<200).map { number in
            prober.start(probe) { _ in
                order.append(number)
                if order.count == 201 {
                    loop.stop()
                }
            }
        }
        prober.start(probe, isUrgent: true) { _ in order.append(200) }
        #expect(prober.hurry(ids[199]))
        try loop.run()
        // The window of the others has 32 places at first.
        #expect(try #require(order.firstIndex(of: 200)) < 40)
        #expect(try #require(order.firstIndex(of: 199)) < 40)
        #expect(!prober.hurry(ids[0]))
    }

    @Test func silentServersTakeNoPlacesOfPrograms() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.silent, on: loop)
        let prober = Prober(on: loop, limit: 2, programLimit: 1)
        let silent = Probe(
            .http(HTTPRequest(path: "/", host: "x", receive: nil)),
            of: server.address,
            connectTimeout: .seconds(60),
            timeout: .seconds(60)
        )
        let ids = (0..<5).map { _ in prober.start(silent) { _ in } }
        let command = Probe(
            .command(["/bin/true"]),
            of: server.address,
            connectTimeout: .seconds(60),
            timeout: .seconds(60)
        )
        var outcomes: [CheckOutcome] = []
        for _ in 0..<3 {
            prober.start(command) { result in
                outcomes.append(result.outcome)
                if outcomes.count == 3 {
                    loop.stop()
                }
            }
        }
        try loop.run()
        #expect(outcomes == [.up, .up, .up])
        #expect(prober.runningCount == 2)
        for id in ids {
            prober.cancel(id)
        }
        #expect(prober.runningCount == 0)
        withExtendedLifetime(server) {}
    }

    /// A thousand checks by a prober in front of something that answers so many a second, one after the other.
    private func play(answersPerSecond: Int, limit: Duration) -> (failed: Int, seconds: Double) {
        var window = LaunchWindow()
        var waiting: [Double] = []
        var left = 1000
        var clock = 0.0
        var failed = 0
        let bound = limit / .seconds(1)
        while left > 0 || !waiting.isEmpty {
            let patience = window.patience / .seconds(1)
            let counted = waiting.count { clock - $0 <= patience }
            for _ in 0..<max(0, min(left, window.size - counted)) {
                waiting.append(clock)
                left -= 1
            }
            clock += 1 / Double(answersPerSecond)
            let begin = waiting.removeFirst()
            if clock - begin > bound {
                failed += 1
            } else {
                window.answered(after: limit * ((clock - begin) / bound), within: limit, while: waiting.count)
            }
        }
        return (failed, clock)
    }

    @Test func aBurstDoesNotOverrunASlowMachine() {
        for rate in [50, 100, 300, 1000] {
            let (failed, _) = play(answersPerSecond: rate, limit: .seconds(2))
            #expect(failed == 0, "\(rate) a second")
        }
    }

    @Test func aBurstIsNotHeldBackWhereAnswersAreQuick() {
        #expect(play(answersPerSecond: 20_000, limit: .seconds(2)).seconds < 0.06)
    }

    @Test func theWindowRecovers() {
        var window = LaunchWindow()
        for _ in 0..<200 {
            window.answered(after: .seconds(1.9), within: .seconds(2), while: 10)
        }
        #expect(window.size == 16)
        for _ in 0..<200 {
            window.answered(after: .milliseconds(1), within: .seconds(2), while: 500)
        }
        #expect(window.size > 300)
        #expect(window.patience < .milliseconds(110))
    }
}
