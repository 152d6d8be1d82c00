// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit
import Testing

@testable import VervetCore

/// The screens and the documents, made from values.
@Suite struct SnapshotTests {
    private static let ldirector = """
        {"schema":1,"instance":"ldirectord.cf","pid":812,"configuration":"/etc/ha.d/ldirectord.cf","uptime_seconds":10800,\
        "checks_late":null,"rejected_configuration":[],"kernel_problem":null,"virtual_servers":[{"service":"tcp 10.77.0.100:80",\
        "servicename":"shop","scheduler":"wrr","up":1,"in_kernel":true,"refused":null,"fallback":null,"fallback_in_use":false,\
        "real_servers":[{"address":"10.77.2.21:80","forward":"masq","up":true,"state":"up","reason":"","since_seconds":9,\
        "weight":1,"kernel_weight":1,"active_connections":3,"inactive_connections":4},{"address":"10.77.2.22:80",\
        "forward":"masq","up":false,"state":"down","reason":"HTTP status 503","since_seconds":300,"weight":null,\
        "kernel_weight":null,"active_connections":null,"inactive_connections":null}]}]}
        """
    private static let heartbeat = """
        {"schema":1,"node":"d1","state":"ok","score":1000,"corosync":{"connected":true,"problem":null},"links":[{"name":"public",\
        "interface":"eth0","address":"10.77.0.11","designated":true,"carrier":true},{"name":"crossover","interface":"eth1",\
        "address":"10.77.1.11","designated":false,"carrier":true}],"peers":[{"node":"d2","member":true,"daemon":true,"links":[\
        {"name":"public","state":"up","hear":true,"heard":true},{"name":"crossover","state":"down","hear":false,"heard":true}]}],\
        "verdicts":[{"link":"public","reason":"all-well","faulty":[]}],"alarms":{"split_opinion":[],"probes_blocked":[],\
        "config_mismatch":false,"attributes":null},"guards":{"maintenance":false,"forced":null}}
        """
    private static let config = """
        {"schema":1,"node":"d1","joined":true,"problem":null,"files":[{"path":"/etc/ha.d/ldirectord.cf","condition":"CONDITION",\
        "directors":[{"node":"d1","version":7,"edited_on":"d1","version_sha256":"3fa90c1100","file_sha256":"3fa90c1100",\
        "problem":null,"refused":null,"reload":null},{"node":"d2","version":7,"edited_on":"d1","version_sha256":"3fa90c1100",\
        "file_sha256":"3fa90c1100","problem":null,"refused":null,"reload":null}],"silent":[],"conflicts":[]}]}
        """
    private static let relay = """
        {"schema":1,"joined":true,"node":1,"state":"in the group as node 1, 1 other","transport":"cpg","problems":[],\
        "captured":{"records":5120,"datagrams":5120},"injected":{"records":210,"datagrams":64},"losses":{"echoes":0,\
        "kernel_drops":3},"resync":{"settled":true,"running":false,"last":{"node":2,"records":200,"complete":true,\
        "took_s":0.024,"age_s":60.5}},"peers":[{"node":2,"connections":5230,"own_connections":10}]}
        """

    private func read<Report: Sendable>(_ text: String, _ make: (JSONValue) -> Report?) throws -> Part<Report> {
        let document = try #require(JSONValue(parsing: text))
        let report = make(document)
        return .value(try #require(report))
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func director() throws -> DirectorSnapshot {
        var snapshot = DirectorSnapshot(host: "d1", clock: "21:40:03")
        snapshot.addresses = .success([
            .init(try address("10.77.0.11"), prefix: 24, interface: "eth0", isUsable: true),
            .init(try address("10.77.0.100"), prefix: 24, interface: "eth0", isUsable: true),
            .init(try address("10.77.1.11"), prefix: 24, interface: "eth1", isUsable: true),
        ])
        let key = VirtualServiceKey.address(.tcp, try address("10.77.0.100"), port: 80)
        snapshot.kernel = .success(
            .init(
                services: [ObservedService(VirtualService(key, scheduler: "wrr"))],
                daemons: [
                    SyncDaemon(.backup, interface: "eth1", syncID: 7, maximumLength: 1472),
                    SyncDaemon(.master, interface: "eth1", syncID: 7, maximumLength: 44),
                ]
            )
        )
        snapshot.ldirectors = [("ldirectord.cf", try read(Self.ldirector) { LDirectorReport($0) })]
        snapshot.heartbeat = try read(Self.heartbeat) { HeartbeatReport($0) }
        let config = Self.config.split(separator: "CONDITION").joined(separator: "synchronised")
        snapshot.config = try read(config) { ConfigReport($0) }
        var count = ConnectionCount()
        count.add("TCP C0A80001 1 0A4D0064 0050 0A4D0215 0050 ESTABLISHED LOCAL  899\n".utf8)
        count.add("TCP C0A80001 2 0A4D0064 0050 0A4D0215 0050 ESTABLISHED SY".utf8)
        count.add("NC   899\n".utf8)
        snapshot.connections = count
        return snapshot
    }

    @Test func oneScreen() throws {
        #expect(
            try director().text(Paint(isOn: false)) == """
                d1  21:40:03
                addresses   eth0 10.77.0.11/24, 10.77.0.100/24 VIP
                            eth1 10.77.1.11/24
                ldirectord  ldirectord.cf, pid 812, up for 3 h
                  tcp 10.77.0.100:80 wrr, 1 of 2 up  [shop]
                    10.77.2.21:80 masq  up    weight 1  7 conns
                    10.77.2.22:80 masq  down  weight -  0 conns  since 5 min, HTTP status 503
                heartbeat   ok, hb-score 1000
                  link public (designated) eth0 10.77.0.11: both ways with d2; all-well, nobody at fault
                  link crossover (support) eth1 10.77.1.11: does not hear d2
                sync        master eth1 id 7, backup eth1 id 7; 1 connections from here, 1 from others
                config      /etc/ha.d/ldirectord.cf synchronised, version 7 (3fa90c11) of d1 on d1, d2
                ATTENTION
                  tcp 10.77.0.100:80: 1 of 2 real servers out
                  link crossover: does not hear d2

                """
        )
    }

    @Test func whatDoesNotRunIsSaidPlainly() {
        var snapshot = DirectorSnapshot(host: "d1")
        snapshot.kernel = .failure(.init("ip_vs is not loaded"))
        snapshot.heartbeat = .silent("runs, but does not answer")
        #expect(
            snapshot.text(Paint(isOn: false)) == """
                d1
                addresses   none
                ldirectord  not running
                table       ip_vs is not loaded
                heartbeat   runs, but does not answer
                sync        ip_vs is not loaded
                config      not running
                ATTENTION
                  heartbeat: runs, but does not answer

                """
        )
    }

    @Test func theScreenOfSynchronisation() throws {
        var snapshot = try director()
        snapshot.relay = try read(Self.relay) { RelayReport($0) }
        snapshot.settings = ["sync_threshold": "0 0", "sync_sock_size": "4000000"]
        snapshot.receiveBufferLimit = 212_992
        let text = snapshot.syncText(Paint(isOn: false))
        #expect(text.contains("master on eth1, syncid 7, 224.0.0.81 port 8848, up to 44 bytes"))
        #expect(text.contains("last resync: node 2 told 200 connections in 0.024 s, 60 s ago"))
        #expect(text.contains("losses: kernel drops 3"))
        #expect(text.contains("settings    threshold 0 0, sock_size 4000000"))
        #expect(text.contains("sync_sock_size 4000000 is more than net.core.rmem_max 212992"))
        var later = snapshot
        later.relay = try read(Self.relay.split(separator: "5120").joined(separator: "5320")) { RelayReport($0) }
        #expect(
            later.syncText(since: snapshot, elapsed: .seconds(2), Paint(isOn: false)).contains(
                "100 taken by the relay/s"
            )
        )
    }

    @Test func whatTheResourceWantsIsComparedWithWhatIs() throws {
        var snapshot = try director()
        var intent = SyncIntent()
        intent.daemons = [
            .init(.master, interface: "eth1", syncID: 7), .init(.backup, interface: "eth1", syncID: 8),
        ]
        intent.settings = [.init("sync_retries", "2"), .init("sync_refresh_period", "10"), .init("other", "1")]
        intent.pending = ["sync_ports"]
        #expect(SyncIntent(text: "role promoted\nsetting sync_retries 0\n" + intent.text) == intent)
        snapshot.intents = [("p-syncd", intent)]
        snapshot.settings = ["sync_retries": "0", "sync_refresh_period": "10"]
        let text = snapshot.syncText(Paint(isOn: false))
        #expect(text.contains("wanted      by p-syncd: master eth1 id 7, backup eth1 id 8; 3 settings"))
        #expect(text.contains("p-syncd: sync_retries is 0, wanted 2"))
        #expect(!text.contains("sync_refresh_period is"))
        #expect(text.contains("p-syncd: sync_ports is in force when the sync daemons start again"))
        #expect(text.contains("p-syncd: the backup daemon runs on eth1 with syncid 7, wanted eth1, 8"))
        // A standby that only receives, as its resource wants it, is well.
        guard case .success(var kernel) = snapshot.kernel else {
            return #expect(Bool(false), "no kernel")
        }
        kernel.daemons.removeAll { $0.role == .master }
        snapshot.kernel = .success(kernel)
        snapshot.intents = []
        #expect(snapshot.syncWarnings.contains("only the backup daemon runs"))
        intent.daemons = [.init(.backup, interface: "eth1", syncID: 7)]
        intent.settings = []
        intent.pending = []
        snapshot.intents = [("p-syncd", intent)]
        #expect(!snapshot.syncWarnings.contains { $0.contains("daemon runs") || $0.contains("p-syncd") })
    }

    @Test func warningsOfTheSpecification() throws {
        var snapshot = try director()
        #expect(snapshot.syncWarnings.isEmpty)
        snapshot.igmp = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n2\teth1      :     1      V3\n"
        #expect(snapshot.syncWarnings == ["eth1 does not listen to 224.0.0.81: the backup daemon hears nothing"])
        snapshot.igmp += "\t\t\t\t510000E0     1 0:00000000\t\t0\n"
        #expect(snapshot.syncWarnings.isEmpty)
        snapshot.kernel = .success(
            .init(daemons: [
                SyncDaemon(.master, interface: "eth0", syncID: 7, maximumLength: 1472),
                SyncDaemon(.backup, interface: "eth9", syncID: 8, maximumLength: 1024),
            ])
        )
        #expect(
            snapshot.syncWarnings == [
                "the backup daemon takes 1024 bytes, the master sends up to 1472",
                "the master sends syncid 7, the backup takes 8",
                "synchronisation goes over eth0, the link that carries the service",
                "eth9 has no address: sync datagrams come from any other one",
                "eth9 does not listen to 224.0.0.81: the backup daemon hears nothing",
                "no virtual service here: synchronised connections cannot bind, and an arriving VIP answers RST",
            ]
        )
        snapshot.kernel = .success(.init(services: [], daemons: [SyncDaemon(.master, interface: "eth1", syncID: 7)]))
        #expect(snapshot.syncWarnings.first == "only the master daemon runs")
    }

    @Test func aConflictIsInBothPlaces() throws {
        var snapshot = try director()
        let text = Self.config.split(separator: "CONDITION").joined(separator: "conflict")
            .split(separator: #""conflicts":[]"#).joined(separator: #""conflicts":["d1 has 7, d2 has 7"]"#)
        snapshot.config = try read(text) { ConfigReport($0) }
        #expect(snapshot.attention.contains("/etc/ha.d/ldirectord.cf: conflict: d1 has 7, d2 has 7"))
        #expect(snapshot.text(Paint(isOn: false)).contains("  d2 version 7 (3fa90c11) of d1"))
    }

    @Test func documentsCanBeReadAgain() throws {
        let snapshot = try director()
        var said = DirectorSnapshot.Documents()
        said.heartbeat = JSONValue(parsing: Self.heartbeat)
        let document = try #require(JSONValue(parsing: snapshot.document(said).text))
        #expect(document["addresses"]?.elements.count == 3)
        #expect(document["addresses"]?.elements[1]["virtual"]?.boolean == true)
        #expect(document["heartbeat"]?["score"]?.integer == 1000)
        #expect(document["sync"]?["connections"]?["synchronised"]?.integer == 1)
        #expect(document["absent"]?["syncrelay"]?.string == "not running")
        #expect(document["attention"]?.elements.count == 2)
        #expect(JSONValue(parsing: snapshot.syncDocument(said).text)?["warnings"]?.elements.isEmpty == true)
    }

    @Test func coloursAreForTerminalsOnly() throws {
        #expect(Paint(isTerminal: true, noColor: nil, terminal: "xterm").isOn)
        #expect(Paint(isTerminal: true, noColor: "", terminal: "xterm").isOn)
        #expect(!Paint(isTerminal: true, noColor: "1", terminal: "xterm").isOn)
        #expect(!Paint(isTerminal: false, noColor: nil, terminal: "xterm").isOn)
        #expect(!Paint(isTerminal: true, noColor: nil, terminal: "dumb").isOn)
        let snapshot = try director()
        let coloured = snapshot.text(Paint(isOn: true))
        #expect(coloured.contains("\u{1b}[32m10.77.0.100/24 VIP\u{1b}[0m"))
        // Without the colours it is the same, columns and all.
        var plain = ""
        var rest = coloured[...]
        while let start = rest.firstIndex(of: "\u{1b}") {
            plain += rest[..<start]
            rest = rest[start...].drop { $0 != "m" }.dropFirst()
        }
        #expect(plain + rest == snapshot.text(Paint(isOn: false)))
    }

    @Test func theKernelsDatagramCounters() throws {
        let snmp = "Ip: a\nIp: 1\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\nUdp: 9 8 7 6 5\n"
        let udp = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
              10: 510000E0:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12 2 0000000000000000 42
              11: 0100007F:2290 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 13 2 0000000000000000 1
            """
        let errors = DatagramErrors(snmp: snmp, udp: udp, group: SyncDaemon.defaultGroup, port: 8848)
        #expect(errors.all == 7 && errors.withoutRoom == 5 && errors.syncSocket == 42)
        let none = DatagramErrors(snmp: "", udp: udp, group: SyncDaemon.defaultGroup, port: 8849)
        #expect(none.syncSocket == nil)
    }

    /// Whatever daemons answer, reading it does not trap.
    @Test func spoiltDocumentsDoNotTrap() throws {
        var random = SystemRandomNumberGenerator()
        for text in [Self.ldirector, Self.heartbeat, Self.config, Self.relay] {
            for _ in 0..<500 {
                var bytes = Array(text.utf8)
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 32...126, using: &random)
                }
                guard let document = JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) else {
                    continue
                }
                var snapshot = DirectorSnapshot(host: "d1")
                snapshot.ldirectors = [("a", LDirectorReport(document).map { .value($0) } ?? .notRunning)]
                snapshot.heartbeat = HeartbeatReport(document).map { .value($0) } ?? .notRunning
                snapshot.config = ConfigReport(document).map { .value($0) } ?? .notRunning
                snapshot.relay = RelayReport(document).map { .value($0) } ?? .notRunning
                _ = snapshot.text(Paint(isOn: true))
                _ = snapshot.syncText(Paint(isOn: false))
            }
        }
    }
}
