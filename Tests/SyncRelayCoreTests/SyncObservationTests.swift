// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import SyncRelayCore

struct SyncObservationTests {
    private let own = SyncObservation.Sender(IPAddress(ipv4: 0x0a4d_010c), isLocal: true)
    private let other = SyncObservation.Sender(IPAddress(ipv4: 0x0a4d_010b), isLocal: false)

    @Test func everySenderIsCountedForItself() {
        var observation = SyncObservation()
        observation.take(Sample.datagram([Sample.connection(1), Sample.connection(2)], syncID: 7), from: other)
        observation.take(Sample.datagram([Sample.connection(3)], syncID: 7), from: own)
        observation.take(Sample.datagram([Sample.connection(4)], syncID: 8), from: own)
        observation.take([1, 2, 3], from: other)
        #expect(observation.senders.map(\.0) == [own, other])
        #expect(observation.flows[own]?.records == 2 && observation.flows[own]?.datagrams == 2)
        #expect(observation.flows[own]?.syncIDs == [7, 8] && observation.flows[own]?.bytes == 2 * 44)
        #expect(observation.flows[other]?.records == 2 && observation.flows[other]?.datagrams == 1)
        #expect(observation.flows[other]?.malformed == 1)
    }

    @Test func forgedSendersDoNotFillTheMemory() {
        var observation = SyncObservation()
        for number in UInt32(0)..<1000 {
            observation.take([], from: .init(IPAddress(ipv4: number), isLocal: false))
        }
        #expect(observation.flows.count == 256 && observation.others == 744)
    }

    @Test func theSourceIsReadFromTheHeader() {
        let header = [0x45, 0, 0, 0, 0, 0, 0, 0, 1, 17, 0, 0, 10, 77, 1, 11] as [UInt8]
        #expect(SyncPacket.source(([9] + header + [224, 0, 0, 81])[1...]) == other.address)
        #expect(SyncPacket.source(header[..<15]) == nil && SyncPacket.source([]) == nil)
        let header6 = [0x60, 0, 0, 0, 0, 0, 17, 1] + (IPAddress("fd77::11")?.bytes ?? [])
        #expect(SyncPacket.source(header6[...]) == IPAddress("fd77::11"))
    }
}
