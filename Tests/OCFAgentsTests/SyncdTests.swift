// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit
import Testing

@testable import OCFAgents

private func environment(_ parameters: [String: String]) -> AgentEnvironment {
    var variables = ["OCF_RESOURCE_INSTANCE": "p-syncd:0", "HA_RSCTMP": "/run/somewhere"]
    for (name, value) in parameters.merging(["interface": "eth1"], uniquingKeysWith: { given, _ in given }) {
        variables["OCF_RESKEY_\(name)"] = value
    }
    return AgentEnvironment(variables: variables, type: "syncd")
}

@Suite struct SyncdSettingsTests {
    @Test func defaults() throws {
        let settings = try SyncdSettings(environment([:]))
        #expect(
            settings.daemons(isPromoted: false) == [
                SyncDaemon(.master, interface: "eth1", syncID: 1), SyncDaemon(.backup, interface: "eth1", syncID: 1),
            ]
        )
        #expect(
            settings.assignments == [
                .init(name: "sync_threshold", numbers: [0, 0], isExplicit: false),
                .init(name: "sync_refresh_period", numbers: [10], isExplicit: false),
                .init(name: "sync_retries", numbers: [2], isExplicit: false),
            ]
        )
        #expect(settings.takeover && !settings.restoreSysctl && !settings.forceRestart)
        #expect(settings.drain == .seconds(4) && settings.linger == .seconds(5))
    }

    @Test func theRelayStandsBetweenTheDaemons() throws {
        let settings = try SyncdSettings(
            environment([
                "interface": "", "transport": "cpg", "syncid": "7", "port": "9000", "maxlen": "1000",
                "relay_args": "--batch 5",
            ])
        )
        #expect(
            settings.daemons(isPromoted: false) == [
                SyncDaemon(.master, interface: "lvs-tx", syncID: 7, maximumLength: 1000, port: 9000),
                SyncDaemon(.backup, interface: "lvs-rx", syncID: 8, port: 9000),
            ]
        )
        #expect(
            settings.relay?.command.joined(separator: " ")
                == "/usr/sbin/syncrelay run --control /run/vervet/syncrelay.sock --capture lvs-tx --inject lvs-rx "
                + "--syncid 7 --backup-syncid 8 --group 224.0.0.81 --port 9000 --transport cpg --batch 5"
        )
        #expect(try SyncdSettings(environment([:])).relay == nil)
        let last = try SyncdSettings(environment(["transport": "udp", "syncid": "255", "interface": "tx0"]))
        #expect(last.backup.syncID == 1 && last.master.interface == "tx0")
    }

    @Test(arguments: [
        ["transport": "tcp"], ["transport": ""], ["interface": ""],
        ["transport": "cpg", "mode": "role"], ["transport": "cpg", "netns": "inner"],
        ["transport": "cpg", "interface": "lvs-rx"], ["transport": "cpg", "syncid_backup": "1"],
        ["transport": "cpg", "syncid_backup": "0"], ["transport": "cpg", "port_backup": "9000"],
        ["transport": "cpg", "maxlen_backup": "1200"], ["transport": "udp", "relay_binary": "syncrelay"],
    ])
    func wrongRelaysAreRefused(_ parameters: [String: String]) {
        let error = #expect(throws: OCFError.self) { try SyncdSettings(environment(parameters)) }
        #expect(error?.code == .configured)
    }

    @Test func rolesOfTheModes() throws {
        func roles(_ mode: String, _ isPromoted: Bool) throws -> [SyncDaemon.Role] {
            try SyncdSettings(environment(["mode": mode])).daemons(isPromoted: isPromoted).map(\.role)
        }
        for mode in ["both", "master", "backup"] {
            #expect(try roles(mode, true) == roles(mode, false))
        }
        #expect(try roles("both", true) == [.master, .backup])
        #expect(try roles("role", false) == [.backup] && roles("role", true) == [.master, .backup])
        #expect(try roles("exclusive", false) == [.backup] && roles("exclusive", true) == [.master])
        #expect(try SyncdSettings(environment(["mode": "exclusive"])).allDaemons.map(\.role) == [.master, .backup])
        #expect(try SyncdSettings(environment(["mode": "backup"])).allDaemons.map(\.role) == [.backup])
    }

    @Test func theBackupMayDiffer() throws {
        let settings = try SyncdSettings(
            environment([
                "syncid": "7", "maxlen": "1400", "port": "9000", "interface_backup": "lvs-rx", "syncid_backup": "0",
                "group_backup": "224.0.0.99", "port_backup": "9001", "maxlen_backup": "9000",
            ])
        )
        #expect(
            settings.master
                == SyncDaemon(.master, interface: "eth1", syncID: 7, maximumLength: 1400, port: 9000)
        )
        #expect(
            settings.backup
                == SyncDaemon(
                    .backup,
                    interface: "lvs-rx",
                    syncID: 0,
                    maximumLength: 9000,
                    group: IPAddress("224.0.0.99"),
                    port: 9001
                )
        )
    }

    @Test func exposureMakesShortDatagrams() throws {
        let settings = try SyncdSettings(environment(["exposure": "100"]))
        #expect(settings.exposure == SyncdExposure(milliseconds: 100, refreshSeconds: 10))
        // 70 ms and the kernel's 20 make less than 100; 172 turns of 70 ms are more than 12 s.
        #expect(settings.exposure?.interval == .milliseconds(70) && settings.exposure?.ports(threads: 1) == 172)
        #expect(SyncdExposure.nudges(threads: 2) == 12 && settings.exposure?.ports(threads: 2) == 12 * 172)
        #expect(try SyncdSettings(environment(["exposure": "100", "sync_ports": "8"])).exposure == settings.exposure)
        #expect(settings.master.maximumLength == 44 && settings.backup.maximumLength == nil)
        #expect(try SyncdSettings(environment(["exposure": "kernel"])).exposure == nil)
        for wrong in [
            ["exposure": "49"], ["exposure": "1001"], ["exposure": ""], ["exposure": "100ms"],
            ["exposure": "100", "maxlen": "1400"], ["exposure": "100", "profile": "cheap"],
            ["exposure": "100", "profile": "kernel"], ["exposure": "100", "sync_ports": "16"],
            ["exposure": "100", "sync_refresh_period": "0"],
        ] {
            let error = #expect(throws: OCFError.self) { try SyncdSettings(environment(wrong)) }
            #expect(error?.code == .configured && error?.reason.hasPrefix("parameter exposure=") == true)
        }
    }

    @Test func moduleOptions() throws {
        let options = try SyncdSettings(environment(["module_options": "conn_tab_bits=20  x=1"])).moduleOptions
        #expect(options.map(\.name) == ["conn_tab_bits", "x"] && options.map(\.value) == ["20", "1"])
    }

    @Test func parametersReachTheDaemons() throws {
        let settings = try SyncdSettings(
            environment([
                "mode": "backup", "syncid": "0", "group": "ff02::5", "port": "9000", "ttl": "3", "maxlen": "1400",
            ])
        )
        let group = try #require(IPAddress("ff02::5"))
        #expect(
            settings.daemons(isPromoted: false) == [
                SyncDaemon(
                    .backup,
                    interface: "eth1",
                    syncID: 0,
                    maximumLength: 1400,
                    group: group,
                    port: 9000,
                    timeToLive: 3
                )
            ]
        )
    }

    @Test func parametersOverrideTheProfile() throws {
        let cheap = try SyncdSettings(environment(["profile": "cheap", "sync_period": "100", "sync_retries": "1"]))
        #expect(
            cheap.assignments == [
                .init(name: "sync_threshold", numbers: [3, 100], isExplicit: true),
                .init(name: "sync_refresh_period", numbers: [0], isExplicit: false),
                .init(name: "sync_retries", numbers: [1], isExplicit: true),
            ]
        )
        // With profile=kernel the other number stays as it is.
        let one = try SyncdSettings(environment(["profile": "kernel", "sync_threshold": "2"]))
        #expect(one.assignments.map { $0.value(present: "3 50") } == ["2 50"])
        #expect(try SyncdSettings(environment(["profile": "kernel"])).assignments.isEmpty)
    }

    @Test func persistModeBringsSloppyTCP() throws {
        func values(_ parameters: [String: String]) throws -> [String] {
            try SyncdSettings(environment(parameters.merging(["profile": "kernel"]) { given, _ in given }))
                .assignments.map { "\($0.name)=\($0.value(present: ""))" }
        }
        #expect(try values(["sync_persist_mode": "1"]) == ["sync_persist_mode=1", "sloppy_tcp=1"])
        #expect(
            try values(["sync_persist_mode": "1", "sloppy_tcp": "0"]) == ["sync_persist_mode=1", "sloppy_tcp=0"]
        )
    }

    @Test(arguments: [
        ["mode": "Role"], ["mode": ""], ["interface_backup": "a b"], ["syncid_backup": "256"],
        ["group_backup": "10.0.0.1"], ["port_backup": "0"], ["maxlen_backup": "x"], ["drain": "61"], ["drain": ""],
        ["linger": "-1"], ["module_options": "-r"], ["module_options": "conn_tab_bits"],
        ["module_options": "conn_tab_bits=x"], ["module_options": "a=1;b=2"],
        ["interface": "a/b"], ["interface": "sixteen-letters-"],
        ["syncid": "0"], ["syncid": "256"], ["syncid": ""], ["group": "10.0.0.1"], ["group": "x"], ["port": "0"],
        ["port": "65536"], ["ttl": "0"], ["maxlen": "10"], ["maxlen": "65508"], ["profile": "none"],
        ["sync_threshold": "-1"], ["sync_threshold": "50", "profile": "cheap"], ["sync_ports": "3"],
        ["sync_ports": "128"], ["sync_retries": "4"], ["backup_only": "1"], ["sync_version": "2"],
    ])
    func wrongParametersAreRefused(_ parameters: [String: String]) {
        let error = #expect(throws: OCFError.self) { try SyncdSettings(environment(parameters)) }
        #expect(error?.code == .configured)
        #expect(error?.reason.contains(parameters.keys.sorted()[0]) == true || parameters.count > 1)
    }

    @Test func backupOnlyIsAcceptedWhereItDoesNoHarm() throws {
        _ = try SyncdSettings(environment(["mode": "backup", "backup_only": "1"]))
        _ = try SyncdSettings(environment(["mode": "exclusive", "backup_only": "1"]))
        _ = try SyncdSettings(environment(["backup_only": "1", "allow_backup_only": "yes"]))
        _ = try SyncdSettings(environment(["backup_only": "0"]))
    }

    @Test func everyParameterIsDeclaredOnce() {
        let names = SyncdParameters.all.map(\.name)
        #expect(Set(names).count == names.count)
    }
}

@Suite struct SyncdAssessmentTests {
    private let wanted = [
        SyncDaemon(.master, interface: "eth1", syncID: 7), SyncDaemon(.backup, interface: "eth1", syncID: 7),
    ]

    private func assess(
        _ running: [SyncDaemon],
        recorded: [SyncDaemon.Role: UInt32] = [.master: 3, .backup: 3],
        index: UInt32 = 3
    ) -> SyncdAssessment {
        SyncdAssessment(wanted, running: running, recorded: recorded, indexes: ["eth1": index])
    }

    @Test func allIsWell() {
        #expect(assess(wanted).exit(isPromoted: false) == .success)
        #expect(assess(wanted).complaint.isEmpty)
        // A daemon that was there before has no record.
        #expect(assess(wanted, recorded: [:]).exit(isPromoted: false) == .success)
    }

    @Test func shortDatagramsOfExposureEndWithIt() {
        let short = SyncDaemon(.master, interface: "eth1", syncID: 7, maximumLength: SyncdExposure.masterLength)
        #expect(assess([short, wanted[1]]).exit(isPromoted: false) == .generic)
        #expect(assess([short, wanted[1]]).complaint == "the sync master: maxlen 44 instead of the kernel's choice")
    }

    @Test func nothingOfOurs() {
        #expect(assess([]).exit(isPromoted: false) == .notRunning)
        let foreign = assess([SyncDaemon(.master, interface: "eth0", syncID: 7)])
        #expect(foreign.exit(isPromoted: false) == .notRunning)
        #expect(foreign.hasForeign)
        #expect(assess([SyncDaemon(.backup, interface: "eth1", syncID: 9)]).exit(isPromoted: false) == .notRunning)
    }

    @Test func halfIsAFailure() {
        #expect(assess([wanted[0]]).exit(isPromoted: false) == .generic)
        #expect(assess([wanted[0]]).complaint == "the sync backup does not run")
        let mixed = assess([wanted[0], SyncDaemon(.backup, interface: "eth0", syncID: 7)])
        #expect(mixed.exit(isPromoted: false) == .generic)
        #expect(mixed.complaint == "another sync backup runs: interface eth0 instead of eth1")
    }

    @Test func thePromotedRoleHasItsOwnAnswers() {
        #expect(assess(wanted).exit(isPromoted: true) == .runningPromoted)
        #expect(assess([wanted[0]]).exit(isPromoted: true) == .failedPromoted)
        #expect(assess([]).exit(isPromoted: true) == .notRunning)
    }

    @Test func whatTheOtherRoleRunsIsTooMuch() {
        func backupOnly(_ running: [SyncDaemon]) -> SyncdAssessment {
            SyncdAssessment(
                [wanted[1]],
                others: [wanted[0]],
                running: running,
                recorded: [:],
                indexes: ["eth1": 3]
            )
        }
        #expect(backupOnly([wanted[1]]).exit(isPromoted: false) == .success)
        #expect(backupOnly(wanted).exit(isPromoted: false) == .generic)
        #expect(backupOnly(wanted).complaint == "the sync master runs, which is for the other role")
        #expect(backupOnly([wanted[0]]).exit(isPromoted: false) == .generic)
        // Somebody else's is none of our business.
        let foreign = SyncDaemon(.master, interface: "eth0", syncID: 7)
        #expect(backupOnly([wanted[1], foreign]).exit(isPromoted: false) == .success)
    }

    @Test func aDeadInterfaceIsAFailure() {
        #expect(assess(wanted, index: 4).exit(isPromoted: false) == .generic)
        #expect(assess(wanted, index: 0).complaint.contains("is gone"))
        #expect(assess(wanted, recorded: [.master: 3, .backup: 2]).exit(isPromoted: false) == .generic)
    }
}

@Suite struct PromotionScoreTests {
    private func relay(_ isJoined: Bool, _ isSettled: Bool) -> JSONValue {
        .object([
            ("joined", .boolean(isJoined)), ("resync", .object([("settled", .boolean(isSettled)), ("last", .null)])),
        ])
    }

    private func heartbeat(_ health: [Bool?]) -> JSONValue {
        let designated = health.map { JSONValue.object([("designated", .boolean(true)), ("health", .optional($0))]) }
        let other = JSONValue.object([("designated", .boolean(false)), ("health", .null)])
        return .object([("links", .array(designated + [other]))])
    }

    @Test func whoKnowsMoreAndHearsMoreIsPreferred() {
        // The kernel's own datagrams: whom it hears is not known.
        #expect(PromotionScore.score(relay: nil, heartbeat: nil) == 150)
        #expect(PromotionScore.score(relay: nil, heartbeat: heartbeat([true, true])) == 170)
        #expect(PromotionScore.score(relay: nil, heartbeat: heartbeat([true, false])) == 150)
        #expect(PromotionScore.score(relay: nil, heartbeat: heartbeat([nil])) == 150)
        #expect(PromotionScore.score(relay: nil, heartbeat: heartbeat([])) == 150)
        #expect(PromotionScore.score(relay: relay(true, true), heartbeat: heartbeat([true])) == 170)
        #expect(PromotionScore.score(relay: relay(true, false), heartbeat: heartbeat([true])) == 120)
        #expect(PromotionScore.score(relay: relay(false, true), heartbeat: nil) == 100)
        #expect(PromotionScore.score(relay: .some(nil), heartbeat: nil) == 100)
        #expect(PromotionScore.partly < 100)
    }
}

@Suite struct SyncdRecordTests {
    @Test func roundTrip() throws {
        var record = SyncdRecord()
        record.interfaceIndex = [.master: 3, .backup: 4]
        record.keep("sync_threshold", "3 50")
        record.keep("sync_threshold", "0 0")
        record.keep("sync_retries", "0")
        record.isPromoted = true
        record.score = 100
        record.intent.settings = [SyncIntent.Setting("sync_retries", "2")]
        #expect(
            record.text
                == "index master 3\nindex backup 4\nrole promoted\nscore 100\nsetting sync_threshold 3 50\nsetting sync_retries 0\n"
                + "wants sync_retries 2\n"
        )
        #expect(SyncdRecord(text: record.text) == record)
        #expect(SyncdRecord(text: "index x 3\nindex master y\n\nnonsense\nsetting\n") == SyncdRecord())
    }

    @Test func file() throws {
        var template = Array("/tmp/vervet-syncd-test.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(nulTerminated: template)
        let path = "\(directory)/sub/record"
        defer {
            unlink(path)
            rmdir("\(directory)/sub")
            rmdir(directory)
        }
        #expect(SyncdRecord.load(path) == nil)
        var record = SyncdRecord()
        record.interfaceIndex = [.backup: 9]
        try record.save(path)
        #expect(SyncdRecord.load(path) == record)
        #expect(SyncdRecord.path(environment([:])) == "/run/somewhere/vervet-syncd-p-syncd:0")
    }
}

@Suite struct NudgeTests {
    @Test func nudgesFollowNewConnectionsForAWhile() {
        var pace = NudgePace(interval: .milliseconds(500), patience: .seconds(1))
        #expect(pace.window == 2)
        // At first too: what was opened just before waits as well.
        let ticks: [UInt64] = [7, 7, 7, 8, 8, 8, 8, 9, 10, 10, 10, 0, 0, 0]
        let nudged = ticks.map { pace.tick(connections: $0) }
        #expect(
            nudged == [
                true, true, false, true, true, false, false, true, true, true, false, true, true, false,
            ]
        )
    }

    @Test func nudgesDoNotFollowThemselves() {
        var pace = NudgePace(interval: .milliseconds(500), patience: .seconds(1))
        var total: UInt64 = 10
        var nudges = 0
        for tick in 0..<20 {
            // A real connection at the sixth tick.
            total += tick == 5 ? 1 : 0
            if pace.tick(connections: total) {
                nudges += 1
                total += 3
                pace.nudged(newConnections: 3)
            }
        }
        #expect(nudges == 4)
    }

    @Test func connectionsAreReadInHexadecimal() {
        let text = """
                   Total Incoming Outgoing         Incoming         Outgoing
            CPU    Conns  Packets  Packets            Bytes            Bytes
              0       1F       22        0              444                0
             1A        1       22        0              444                0
              ~       10       44        0              888                0

                 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
                       0        0        0                0                0
            """
        #expect(ScheduledConnections.total(text) == 32)
        #expect(ScheduledConnections.total("") == nil && ScheduledConnections.total("a\nb\n\n") == nil)
    }
}
