// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCFAgents

@Suite struct DaemonProcessTests {
    private let daemon = DaemonProcess(name: "the relay", controlPath: "/run/vervet/none.sock")

    @Test func whatADaemonAnswers() {
        #expect(daemon.condition(answer: "joined\n") == .joined)
        #expect(
            daemon.condition(answer: "not-joined 31 is corosync running?")
                == .separated(seconds: 31, reason: "is corosync running?")
        )
        #expect(daemon.condition(answer: "broken cannot inject: ENODEV") == .broken("cannot inject: ENODEV"))
        for nonsense in ["", "not-joined", "not-joined x y", "hello"] {
            #expect(daemon.condition(answer: nonsense) == .broken("the relay answers nonsense"))
        }
    }

    @Test func withoutAProcessNothingRuns() {
        #expect(daemon.condition() == .stopped)
        #expect(daemon.identity == nil)
    }
}
