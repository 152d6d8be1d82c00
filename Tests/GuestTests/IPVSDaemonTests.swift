// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit
import Testing

/// The sync daemons and settings of a real kernel; each test in a network namespace of its own.
@Suite(.needsIPVS, .timeLimit(.minutes(10)))
struct IPVSDaemonTests {
    /// What ipvsadm says about the daemons, one line each.
    private func witnessed() throws -> [String] {
        try tool("/usr/sbin/ipvsadm", "-L", "--daemon").split(separator: "\n").map(String.init)
    }

    @Test func bothWithDifferentParameters() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            #expect(try client.daemons() == [])
            let master = SyncDaemon(
                .master,
                interface: "lo",
                syncID: 7,
                maximumLength: 1400,
                group: try address("224.0.0.99"),
                port: 9000,
                timeToLive: 3
            )
            let backup = SyncDaemon(.backup, interface: "lo", syncID: 8, group: try address("ff02::5:5"))
            try client.start(master)
            try client.start(backup)
            #expect(
                try witnessed() == [
                    "master sync daemon (mcast=lo, syncid=7, maxlen=1400, group=224.0.0.99, port=9000, ttl=3)",
                    "backup sync daemon (mcast=lo, syncid=8, maxlen=65487, group=ff02::5:5, port=8848, ttl=1)",
                ]
            )
            let running = try client.daemons()
            #expect(running.count == 2)
            for (wanted, found) in zip([master, backup], running) {
                #expect(wanted.differences(from: found) == [])
            }
            try client.stop(.master)
            #expect(try client.daemons().map(\.role) == [.backup])
            try client.stop(.backup)
            #expect(try client.daemons() == [])
        }
    }

    @Test func startAndStopAreIdempotent() throws {
        try inNewNamespace {
            var client = try IPVSClient()
            let master = SyncDaemon(.master, interface: "lo", syncID: 7)
            try client.stop(.master)
            try client.start(master)
            try client.start(master)
            let other = #expect(throws: IPVSError.self) {
                try client.start(SyncDaemon(.master, interface: "lo", syncID: 9))
            }
            #expect(other?.code == .alreadyExists)
            try client.stop(.master)
            try client.stop(.master)
        }
    }

    @Test func aStopRightAfterAStartEnds() throws {
        try inNewNamespace {
            // One client alone keeps the pause that the kernel needs; two do not know of each other.
            var first = try IPVSClient()
            var second = try IPVSClient()
            for role in SyncDaemon.Role.allCases {
                try first.start(SyncDaemon(role, interface: "lo", syncID: 7))
                try second.stop(role)
                #expect(try first.daemons() == [])
                try first.start(SyncDaemon(role, interface: "lo", syncID: 7))
                try first.stop(role)
                #expect(try first.daemons() == [])
            }
        }
    }

    @Test func refusals() throws {
        try inNewNamespace {
            try tool("/usr/sbin/ip", "link", "add", "down0", "type", "veth", "peer", "name", "down1")
            var client = try IPVSClient()
            func code(_ daemon: SyncDaemon) throws -> IPVSError.Code? {
                do throws(IPVSError) {
                    try client.start(daemon)
                    return nil
                } catch {
                    return error.code
                }
            }
            #expect(try code(SyncDaemon(.master, interface: "nonesuch", syncID: 1)) == .noSuchInterface)
            #expect(try code(SyncDaemon(.master, interface: "down0", syncID: 1)) == .interfaceDown)
            #expect(try code(SyncDaemon(.master, interface: "lo", syncID: 256)) == .invalid)
            #expect(try client.daemons() == [])
        }
    }

    @Test func settings() throws {
        try inNewNamespace {
            _ = try IPVSClient()
            let sysctl = IPVSSysctl()
            #expect(try sysctl.value("sync_threshold") == "3 50")
            #expect(try sysctl.set("sync_threshold", to: "0 0") == "3 50")
            #expect(try sysctl.set("sync_threshold", to: "0 0") == nil)
            #expect(try sysctl.value("sync_threshold") == "0 0")
            let refused = #expect(throws: IPVSError.self) { try sysctl.set("sync_threshold", to: "50 3") }
            #expect(refused?.code == .invalid)
            #expect(try sysctl.value("nonesuch") == nil)
            let missing = #expect(throws: IPVSError.self) { try sysctl.set("nonesuch", to: "1") }
            #expect(missing?.code == .unavailable)
        }
    }
}
