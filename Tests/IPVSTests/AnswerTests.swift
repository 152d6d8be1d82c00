// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink
import Testing

@testable import IPVS

@Suite struct AnswerTests {
    @Test func services() throws {
        let tcpService = try #require(IPVSAnswers.service(message(Captured.tcpService)))
        #expect(
            tcpService.service
                == VirtualService(
                    try tcp("10.0.0.1"),
                    scheduler: "wrr",
                    persistence: .init(timeoutSeconds: 300, prefixLength: 24)
                )
        )
        let onePacket = try #require(IPVSAnswers.service(message(Captured.onePacketService)))
        #expect(
            onePacket.service
                == VirtualService(
                    .address(.udp, try address("fd00::1"), port: 53),
                    scheduler: "sh",
                    flags: [.onePacket, .scheduler2]
                )
        )
        let persistent = try #require(IPVSAnswers.service(message(Captured.persistentIPv6Service)))
        #expect(persistent.service.persistence == .init(timeoutSeconds: 60, prefixLength: 64))
        let mark = try #require(IPVSAnswers.service(message(Captured.markService)))
        #expect(mark.service == VirtualService(.firewallMark(7, .ipv4)))
    }

    @Test func destinations() throws {
        let masqueraded = IPVSAnswers.destination(try message(Captured.masqueradedDestination), .ipv4)
        #expect(
            masqueraded?.destination
                == Destination(
                    .init(try address("10.1.0.1"), port: 80),
                    forwarding: .masquerade,
                    weight: 5,
                    upperThreshold: 100,
                    lowerThreshold: 50
                )
        )
        let direct = IPVSAnswers.destination(try message(Captured.directDestination), .ipv4)
        #expect(direct?.destination == Destination(.init(try address("10.1.0.2"), port: 80), weight: 0))
        let tunnel = IPVSAnswers.destination(try message(Captured.tunnelDestination), .ipv6)
        #expect(
            tunnel?.destination
                == Destination(
                    .init(try address("fd00::9"), port: 53),
                    forwarding: .tunnel,
                    encapsulation: .gue(port: 6080, flags: 0)
                )
        )
    }

    @Test func daemons() throws {
        #expect(
            IPVSAnswers.daemon(try message(Captured.masterDaemon))
                == SyncDaemon(
                    .master,
                    interface: "lo",
                    syncID: 7,
                    maximumLength: 1472,
                    group: SyncDaemon.defaultGroup,
                    port: 9000,
                    timeToLive: 1
                )
        )
        let backup = try #require(IPVSAnswers.daemon(message(Captured.backupDaemon)))
        #expect(backup.group == (try address("ff02::99")))
        #expect(backup.port == SyncDaemon.defaultPort)
    }

    @Test func general() throws {
        #expect(
            IPVSAnswers.timeouts(try message(Captured.timeouts))
                == ConnectionTimeouts(tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300)
        )
        let information = IPVSAnswers.information(try message(Captured.information))
        #expect(information?.version == "1.2.1")
        #expect(information?.connectionTableSize == 4096)
        // The commands are not mixed up: attribute 1 is a version only in this one.
        #expect(IPVSAnswers.timeouts(try message(Captured.information)) == nil)
        #expect(IPVSAnswers.service(try message(Captured.masqueradedDestination)) == nil)
    }

    @Test func statisticsPreferTheLongForm() {
        var legacy = AttributeWriter()
        legacy.putHost(1, UInt32(5))
        legacy.putHost(4, UInt64(1) << 40)
        var long = AttributeWriter()
        long.putHost(11, UInt32(0))
        long.putHost(1, UInt64(1) << 33)
        long.putHost(10, UInt64(9))
        var nests = AttributeWriter()
        nests.put(10, bytes: legacy.bytes)
        nests.put(12, bytes: long.bytes)
        let attributes = NetlinkAttributes(nests.bytes[...])
        let both = TrafficStatistics(current: attributes[12], legacy: attributes[10])
        #expect(both.connections == 1 << 33)
        #expect(both.inBytes == 0)
        #expect(both.outBytesPerSecond == 9)
        let old = TrafficStatistics(current: nil, legacy: attributes[10])
        #expect(old.connections == 5)
        #expect(old.inBytes == 1 << 40)
        #expect(TrafficStatistics(current: nil, legacy: nil) == TrafficStatistics())
    }

    @Test func truncatedAnswersNeverTrap() throws {
        for text in Captured.all {
            let whole = try message(text)
            for length in 0..<whole.payload.count {
                decode(NetlinkMessage(type: 28, payload: whole.payload.prefix(length)))
            }
        }
    }

    @Test(arguments: 0..<20) func mutatedAnswersNeverTrap(_ round: Int) throws {
        var random = SeededGenerator(seed: UInt64(round))
        for text in Captured.all {
            let whole = try bytes(text)
            for _ in 0..<200 {
                var mutated = whole
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    mutated[Int.random(in: mutated.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                decode(NetlinkMessage(type: 28, payload: mutated))
            }
        }
    }

    private func decode(_ message: NetlinkMessage) {
        _ = IPVSAnswers.service(message)
        _ = IPVSAnswers.destination(message, .ipv4)
        _ = IPVSAnswers.destination(message, .ipv6)
        _ = IPVSAnswers.daemon(message)
        _ = IPVSAnswers.timeouts(message)
        _ = IPVSAnswers.information(message)
    }
}
