// SPDX-License-Identifier: Apache-2.0
import LinuxKit
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

    @Test func whatBecomesOfAStart() throws {
        #expect(try daemon.launch(["/bin/sh", "-c", "exit 6"], patience: .seconds(60)) == .ended(.exited(6)))
        #expect(throws: OCFError.self) { try daemon.launch(["/nonexistent"], patience: .seconds(1)) }
        // One that never listens; it has no process file, so it counts as stopped.
        #expect(try daemon.launch(["/bin/sleep", "5"], patience: .milliseconds(100)) == .late(.stopped))
    }

    @Test func withoutAProcessNothingRuns() {
        #expect(daemon.condition() == .stopped)
        #expect(daemon.identity == nil)
    }
}
