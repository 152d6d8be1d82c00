// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Testing

@testable import OCFAgents

@Suite struct AnnouncerOptionsTests {
    @Test func readsWhatHasAMeaning() throws {
        let options = try AnnouncerOptions(" -U  -r 7 -i50 -q -b ")
        #expect(options.style == .request && options.rounds == 7 && options.intervalMilliseconds == 50)
        let none = try AnnouncerOptions("")
        #expect(none.style == nil && none.rounds == nil && none.intervalMilliseconds == nil)
        #expect(try AnnouncerOptions("-Ac2").style == .reply)
    }

    @Test(arguments: [
        "-p /tmp/x", "-D", "-I eth0", "-s 192.0.2.1", "-w 3", "-V", "-h", "-U -A", "-r", "-r 0", "-r x", "-i 0",
        "-i 99999999999999999999", "-z", "eth0", "-r 2 eth0", "--help", "-",
    ])
    func refusesTheRest(text: String) {
        #expect(throws: OCFError.self) { try AnnouncerOptions(text) }
    }

    @Test func seededNoiseNeverTraps() {
        var generator = SeededGenerator(seed: 3)
        let alphabet = Array("UAqbfDVhrcipIsw-- 0123456789\t\u{0}é")
        for _ in 0..<3000 {
            let length = Int.random(in: 0...16, using: &generator)
            let text = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            _ = try? AnnouncerOptions(String(text))
        }
    }
}

@Suite struct CloneAddressTests {
    @Test(arguments: [
        ("192.0.2.60", 2, "192.0.2.62"), ("192.0.2.255", 0, "192.0.2.255"), ("192.0.2.0", 255, "192.0.2.255"),
    ])
    func counts(base: String, clone: Int, expected: String) throws {
        #expect(CloneAddress.address(try #require(IPAddress(base)), clone: clone) == IPAddress(expected))
    }

    @Test(arguments: [("192.0.2.254", 2), ("192.0.2.1", -1), ("192.0.2.1", .max), ("2001:db8::1", 1)])
    func refuses(base: String, clone: Int) throws {
        #expect(CloneAddress.address(try #require(IPAddress(base)), clone: clone) == nil)
    }
}

@Suite struct AgentTraceTests {
    private func trace(_ variables: [String: String]) -> AgentTrace? {
        AgentTrace(
            environment: AgentEnvironment(variables: variables, type: "IPaddr2"),
            action: "start",
            time: "2026-11-21.08:37:08"
        )
    }

    @Test func isOffUnlessAskedFor() {
        #expect(trace([:]) == nil)
        #expect(trace(["OCF_TRACE_RA": "0", "OCF_TRACE_FILE": "/x/y"]) == nil)
    }

    @Test func placesOfTheStandardLibrary() {
        #expect(
            trace(["OCF_RESKEY_trace_ra": "1", "OCF_RESOURCE_INSTANCE": "a/b"])?.destination
                == .file("/var/lib/heartbeat/trace_ra/IPaddr2/a_b.start.2026-11-21.08:37:08")
        )
        #expect(
            trace(["OCF_TRACE_RA": "true", "OCF_RESKEY_trace_dir": "/t"])?.destination
                == .file("/t/IPaddr2/default.start.2026-11-21.08:37:08")
        )
        #expect(trace(["OCF_TRACE_RA": "1", "OCF_TRACE_FILE": "7"])?.destination == .descriptor(7))
        #expect(trace(["OCF_TRACE_RA": "1", "OCF_TRACE_FILE": "/t/x"])?.destination == .file("/t/x"))
        // Neither a descriptor of its own nor a path: the default place.
        #expect(
            trace(["OCF_TRACE_RA": "1", "OCF_TRACE_FILE": "2", "HA_VARLIB": "/v"])?.destination
                == .file("/v/trace_ra/IPaddr2/default.start.2026-11-21.08:37:08")
        )
    }
}
