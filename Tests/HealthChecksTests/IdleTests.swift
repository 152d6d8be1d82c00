// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@testable import HealthChecks

/// Connections that are held between checks.
@Suite(.timeLimit(.minutes(10)))
struct IdleTests {
    @Test func aServerThatDiesIsNobodyToWaitFor() {
        var policy = IdlePolicy()
        #expect(policy.confirmed() == .zero)
        policy.closed(after: .seconds(100))
        policy.failed()
        #expect(policy.confirmed() == .zero)
        #expect(policy.renewal == nil)
    }

    @Test func timesOfIdleConnectionsAreLearned() {
        var policy = IdlePolicy()
        policy.closed(after: .seconds(60))
        #expect(policy.confirmed() == .zero)
        #expect(policy.renewal == .seconds(48))
        #expect(policy.remark == nil)
    }

    @Test func unwantedConnectionsBecomeRareAndAreSpokenOf() {
        var policy = IdlePolicy()
        var pauses: [Duration] = []
        for _ in 0..<14 {
            policy.closed(after: .milliseconds(3))
            pauses.append(policy.confirmed())
        }
        #expect(pauses.prefix(4) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(pauses.last == IdlePolicy.longestPause)
        #expect(policy.remark == "idlecheck does not help here: the server closes idle connections at once")
        policy.refused()
        _ = policy.confirmed()
        #expect(policy.remark == "idlecheck does not help here: the server does not take another connection")
        policy.lasted()
        #expect(policy.remark == nil)
    }

    @Test func theEndOfAServerIsNoticed() throws {
        let loop = try EventLoop()
        var server: LocalServer? = try LocalServer(.silent, on: loop)
        let target = try #require(server?.address)
        let probe = Probe(.connect, of: target, connectTimeout: .seconds(30), timeout: .seconds(30))
        var losses = 0
        let watch = IdleWatch(probe, on: loop) {
            losses += 1
            loop.stop()
        }
        watch.checked(.up)
        func waitUntilHeld() {
            if watch.isHeld {
                server = nil
            } else {
                loop.after(.milliseconds(5), waitUntilHeld)
            }
        }
        waitUntilHeld()
        loop.after(.seconds(60)) { loop.stop() }
        try loop.run()
        #expect(losses == 1)
        #expect(!watch.isHeld)
    }

    @Test func aServerThatIsDownIsLeftAlone() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.silent, on: loop)
        let probe = Probe(.connect, of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
        var losses = 0
        let watch = IdleWatch(probe, on: loop) { losses += 1 }
        watch.checked(.down("x"))
        #expect(!watch.isHeld)
        watch.checked(.up)
        watch.checked(.down("x"))
        loop.after(.milliseconds(50)) { loop.stop() }
        try loop.run()
        #expect(!watch.isHeld)
        #expect(losses == 0)
    }

    @Test func aServerThatSendsWithoutEndIsNotListenedTo() throws {
        let loop = try EventLoop()
        let server = try LocalServer(.endless, on: loop)
        let probe = Probe(.connect, of: server.address, connectTimeout: .seconds(30), timeout: .seconds(30))
        var losses = 0
        let watch = IdleWatch(probe, on: loop) {
            losses += 1
            loop.stop()
        }
        watch.checked(.up)
        loop.after(.seconds(60)) { loop.stop() }
        try loop.run()
        #expect(losses == 1)
        withExtendedLifetime(server) {}
    }
}
