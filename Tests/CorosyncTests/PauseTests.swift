// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Corosync

@Suite struct PauseTests {
    @Test func retriesDoubleUpToTheLimit() {
        var pause = RetryPause(.milliseconds(5) ... .milliseconds(50))
        let pauses = (0..<6).map { _ in pause.next() }
        #expect(pauses == [5, 10, 20, 40, 50, 50].map { Duration.milliseconds($0) })
    }

    @Test func aSuccessMakesTheNextRetryShortAgain() {
        var pause = RetryPause(.milliseconds(1) ... .milliseconds(10))
        for _ in 0..<5 {
            _ = pause.next()
        }
        pause.reset()
        #expect(pause.next() == .milliseconds(1))
        #expect(pause.next() == .milliseconds(2))
    }

    @Test func reconnectingTakesLongerEachTime() {
        var pause = ReconnectPause()
        let pauses = (0..<7).map { _ in pause.next(after: .disconnected, lasting: .zero, jitter: .zero) }
        #expect(pauses == [200, 400, 800, 1600, 3200, 5000, 5000].map { Duration.milliseconds($0) })
    }

    @Test func aConnectionThatLastedIsMadeAnewAtOnce() {
        var pause = ReconnectPause()
        for _ in 0..<6 {
            _ = pause.next(after: .disconnected, lasting: .milliseconds(10), jitter: .zero)
        }
        #expect(pause.next(after: .disconnected, lasting: .seconds(5), jitter: .zero) == .seconds(5))
        #expect(pause.next(after: .disconnected, lasting: .milliseconds(5001), jitter: .zero) == .milliseconds(200))
    }

    @Test func whoIsRefusedAsksSeldom() {
        var pause = ReconnectPause()
        #expect(pause.next(after: .denied, lasting: .zero, jitter: .milliseconds(7)) == .milliseconds(30_007))
        #expect(pause.next(after: .disconnected, lasting: .zero, jitter: .milliseconds(7)) == .milliseconds(407))
    }
}
