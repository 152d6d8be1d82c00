// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import SyncRelayCore

struct ConnectionMemoryTests {
    private let begin = SuspendingClock.now

    private func told(_ memory: ConnectionMemory, after time: Duration) -> [UInt16: (SyncConnection, isLocal: Bool)] {
        var found: [UInt16: (SyncConnection, isLocal: Bool)] = [:]
        memory.forEach(at: begin + time) { record, isLocal in
            guard let connection = SyncConnection(decoding: record[...]) else {
                Issue.record("a remembered record is malformed")
                return
            }
            #expect(found[connection.key.client.port] == nil)
            found[connection.key.client.port] = (connection, isLocal)
        }
        return found
    }

    @Test(arguments: [false, true])
    func theLastRecordIsToldWithTheTimeThatIsLeft(isIPv6: Bool) {
        var memory = ConnectionMemory(at: begin)
        for number in UInt16(1)...100 {
            memory.sent(Sample.connection(number, isIPv6: isIPv6).record[...], at: begin)
        }
        memory.sent(Sample.connection(7, isIPv6: isIPv6, state: 4, timeout: 120).record[...], at: begin + .seconds(5))
        let told = told(memory, after: .seconds(10))
        #expect(told.count == 100)
        #expect(told[1]?.0 == Sample.connection(1, isIPv6: isIPv6, timeout: 890))
        #expect(told[7]?.0 == Sample.connection(7, isIPv6: isIPv6, state: 4, timeout: 115))
        #expect(memory.counts(at: begin) == .init(local: 100, total: 100, active: 100))
    }

    @Test func whatHasExpiredIsNotToldAndForgotten() {
        var memory = ConnectionMemory(at: begin)
        memory.sent(Sample.connection(1, timeout: 10).record[...], at: begin)
        memory.sent(Sample.connection(2, timeout: 0).record[...], at: begin)
        #expect(told(memory, after: .seconds(11)).keys.sorted() == [2])
        #expect(told(memory, after: .seconds(899))[2]?.0.timeout == 1)
        memory.sweep(at: begin + .seconds(100))
        #expect(memory.counts(at: begin).total == 1)
        memory.sweep(at: begin + .seconds(1000))
        #expect(memory.counts(at: begin).total == 0)
    }

    @Test func whoOpenedAConnectionIsKept() {
        var memory = ConnectionMemory(at: begin)
        var learned = Sample.connection(2)
        learned.flags.insert(.init(rawValue: 0x20))
        memory.sent(Sample.connection(1).record[...], at: begin)
        memory.sent(learned.record[...], at: begin)
        memory.received(Sample.connection(1).record[...], at: begin)
        memory.received(Sample.connection(3).record[...], at: begin)
        memory.read(.init(Sample.connection(3, timeout: 5).record, isLocal: true), at: begin)
        memory.read(.init(Sample.connection(4).record, isLocal: true), at: begin)
        let told = told(memory, after: .zero)
        #expect(told.mapValues(\.isLocal) == [1: true, 2: false, 3: false, 4: true])
        #expect(told[3]?.0.timeout == 900)
        #expect(memory.counts(at: begin) == .init(local: 2, total: 4, active: 4))
    }

    @Test func onlyWhatIsEstablishedIsActive() {
        var memory = ConnectionMemory(at: begin)
        for (number, flags) in [(UInt16(1), UInt32(0x83)), (2, 0x183), (3, 0x1083)] {
            var connection = Sample.connection(number)
            connection.flags = .init(rawValue: flags)
            memory.sent(connection.record[...], at: begin)
        }
        #expect(memory.counts(at: begin) == .init(local: 3, total: 3, active: 1))
    }

    @Test func itSaysWhenItLacksSome() {
        var memory = ConnectionMemory(limit: 2, at: begin)
        for number in UInt16(1)...2 {
            memory.sent(Sample.connection(number, timeout: 10).record[...], at: begin)
        }
        memory.sent(Sample.connection(1).record[...], at: begin)
        #expect(!memory.isFull)
        memory.sent(Sample.connection(3).record[...], at: begin)
        #expect(memory.isFull)
        memory.sweep(at: begin + .seconds(60))
        #expect(!memory.isFull)
    }

    @Test func ourOwnServiceAndOptions() {
        var memory = ConnectionMemory(at: begin)
        var own = Sample.connection(1)
        own.key.virtual = SocketAddress(IPAddress(ipv4: 0x7f56_0001), port: 9)
        memory.sent(own.record[...], at: begin)
        #expect(memory.counts(at: begin).total == 0)
        // An option of a record stays what it is, wherever in a datagram the record was.
        let option = Sample.connection(2).record + [2, 3, 0x61, 0x62, 0x63]
        memory.sent(([1, 2, 3] + option)[3...], at: begin)
        memory.forEach(at: begin) { record, _ in #expect(record == option) }
    }

    @Test func theEngineRemembersWhatItSendsAndIsGiven() {
        var engine = RelayEngine(RelaySettings(), incarnation: 1, at: begin)
        engine.captured(Sample.datagram([Sample.connection(1), Sample.connection(2)]), at: begin)
        engine.joined(as: 1, at: begin)
        engine.members([1, 2], at: begin)
        let envelope = RelayEnvelope(
            node: 2,
            incarnation: 5,
            sequence: 1,
            content: .data([Sample.datagram([Sample.connection(3)])])
        )
        engine.received(envelope.bytes, from: 2, over: .group, at: begin)
        engine.learned([.init(Sample.connection(4).record, isLocal: true)], at: begin)
        #expect(told(engine.memory, after: .zero).mapValues(\.isLocal) == [1: true, 2: true, 3: false, 4: true])
    }
}
