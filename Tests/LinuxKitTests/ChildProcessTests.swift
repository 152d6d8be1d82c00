// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@Suite struct ChildProcessTests {
    @Test func collectsOutputAndStatus() throws {
        let outcome = try ChildProcess.run(
            ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"],
            timeout: .seconds(60)
        )
        #expect(outcome.status == .exited(3))
        #expect(outcome.outputText == "out")
        #expect(outcome.errorText == "err")
        #expect(!outcome.timedOut)
    }

    @Test func endsTheWholeGroupWhenTimeIsOver() throws {
        let start = SuspendingClock.now
        let outcome = try ChildProcess.run(["/bin/sh", "-c", "sleep 300 & wait"], timeout: .milliseconds(200))
        #expect(outcome.timedOut)
        #expect(outcome.status == .signalled(SIGTERM))
        #expect(SuspendingClock.now - start < .seconds(60))
    }

    @Test func aDaemonLeftBehindIsNotWaitedFor() throws {
        let start = SuspendingClock.now
        let outcome = try ChildProcess.run(["/bin/sh", "-c", "sleep 100 & echo $!"], timeout: .seconds(90))
        let daemon = try #require(pid_t(outcome.outputText))
        #expect(kill(daemon, SIGKILL) == 0)
        #expect(SuspendingClock.now - start < .seconds(60))
    }

    @Test func outputIsBounded() throws {
        let outcome = try ChildProcess.run(
            ["/usr/bin/head", "-c", "300000", "/dev/zero"],
            timeout: .seconds(60),
            limit: 1000
        )
        #expect(outcome.output.count == 1000)
        #expect(outcome.status.isSuccess)
    }

    @Test func missingProgramIsAnError() {
        #expect(throws: SystemError(operation: "start", subject: "/nonexistent", code: ENOENT)) {
            try ChildProcess.run(["/nonexistent"], timeout: .seconds(1))
        }
    }

    @Test func nobodyListens() {
        #expect(throws: ControlClient.Failure.notRunning(path: "/nonexistent.sock")) {
            try ControlClient(path: "/nonexistent.sock").ask("ping")
        }
    }
}
