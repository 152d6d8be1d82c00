// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@testable import OCFAgents

/// The heartbeat's agent where systemd runs the daemon; none runs here.
@Suite struct ForeignDaemonTests {
    private func agent(_ managed: String, _ directory: String) -> HeartbeatAgent {
        let variables = [
            "OCF_RESOURCE_INSTANCE": "p-heartbeat:0", "OCF_RESKEY_managed": managed, "HA_RSCTMP": directory,
            "OCF_RESKEY_control": "\(directory)/none.sock", "OCF_RESKEY_binary": "/bin/true",
        ]
        let environment = AgentEnvironment(variables: variables, type: "heartbeat")
        return HeartbeatAgent(environment: environment, log: AgentLog(environment: environment, isTerminal: true))
    }

    @Test func whatIsStoppedIsNotRunningAndStoppingEndsNobody() throws {
        let directory = "/tmp/vervet-foreign-\(getpid())"
        try TextFile.makeDirectory(directory)
        let mark = "\(directory)/vervet-heartbeat.p-heartbeat"
        defer {
            unlink(mark)
            rmdir(directory)
        }
        let agent = agent("systemd", directory)
        #expect(try agent.run(.monitor) == .notRunning)
        try TextFile.write(mark, "started\n")
        #expect(try agent.run(.monitor) == .notRunning, "started, but there is no process")
        #expect(try agent.run(.stop) == .success)
        #expect(access(mark, F_OK) != 0)
        #expect(try agent.run(.validateAll) == .success)
    }

    @Test func nobodyElseManagesIt() {
        #expect(throws: OCFError.self) { try agent("cron", "/tmp").run(.validateAll) }
    }
}
