// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit
import Testing

/// `ocf:vervet:syncd` under a watcher that reads the kernel's daemons all the time.
@Suite(.needsIPVS, .serialized, .timeLimit(.minutes(10)))
struct SyncdTransitionTests {
    /// Runs an action of the agent to its end and returns its exit status, with what was running meanwhile.
    private func act(
        _ action: String,
        _ mode: String,
        _ client: inout IPVSClient,
        _ directory: String
    ) throws -> (code: ChildProcess.Status?, least: Int) {
        let here = CommandLine.arguments[0]
        let folder = here.lastIndex(of: "/").map { String(here[..<$0]) } ?? "."
        let child = try ChildProcess.start(
            ["\(folder)/vervet-ocf", "syncd", action],
            environment: [
                "OCF_RA_VERSION_MAJOR=1", "OCF_RESOURCE_INSTANCE=p-syncd", "HA_RSCTMP=\(directory)",
                "OCF_RESKEY_interface=sync0", "OCF_RESKEY_syncid=7", "OCF_RESKEY_mode=\(mode)", "OCF_RESKEY_drain=0",
                "OCF_RESKEY_linger=0",
            ]
        )
        var least = Int.max
        while true {
            if let status = try child.wait(until: Deadline(after: .milliseconds(2))) {
                return (status, least)
            }
            least = min(least, try client.daemons().count)
        }
    }

    @Test(arguments: ["both", "role", "exclusive"])
    func atNoMomentOfATransitionBothAreStopped(mode: String) throws {
        var template = Array("/tmp/vervet-syncd.XXXXXX".utf8CString)
        let directory = String(cString: try #require(mkdtemp(&template)))
        defer {
            unlink("\(directory)/vervet-syncd-p-syncd")
            rmdir(directory)
        }
        try inNewNamespace {
            try tool("/usr/sbin/ip", "link", "add", "sync0", "type", "veth", "peer", "name", "sync1")
            try tool("/usr/sbin/ip", "link", "set", "sync1", "up")
            try tool("/usr/sbin/ip", "link", "set", "sync0", "up")
            try tool("/usr/sbin/ip", "address", "add", "10.9.9.1/24", "dev", "sync0")
            var client = try IPVSClient()
            #expect(try act("start", mode, &client, directory).code == .exited(0))
            for _ in 0..<17 {
                for (action, code) in [("promote", CInt(8)), ("demote", 0)] {
                    let (status, least) = try act(action, mode, &client, directory)
                    #expect(status == .exited(0) && least >= 1, "\(action)")
                    let wanted = mode == "both" || (mode == "role" && action == "promote") ? 2 : 1
                    #expect(try client.daemons().count == wanted)
                    #expect(try act("monitor", mode, &client, directory).code == .exited(code))
                }
            }
            #expect(try act("stop", mode, &client, directory).code == .exited(0))
            #expect(try client.daemons().isEmpty)
        }
    }
}
