// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import SyncRelayCore

@Suite struct SyncDatagramTests {
    private func hex(_ text: String) -> [UInt8] {
        let digits = text.filter { !$0.isWhitespace }
        return stride(from: 0, to: digits.count, by: 2).compactMap { index in
            let start = digits.index(digits.startIndex, offsetBy: index)
            return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
        }
    }

    /// Header, then: type, protocol, length; flags; state, client port; virtual, server port; mark; time-out; addresses.
    private let one = """
        00 07 002c 01 01 0000
        00 06 0024 00000083 0001 9c40 0050 1f40 00000000 00000384 0a090002 0a090001 0a090003
        """

    @Test func readsARecordOfVersionOne() throws {
        let datagram = try SyncDatagram(hex(one))
        #expect(datagram.version == .one)
        #expect(datagram.syncID == 7)
        #expect(datagram.records == [8..<44])
        let connection = try #require(datagram.connection(datagram.records[0]))
        #expect(connection.key.transport == 6)
        #expect("\(connection.key.client) \(connection.key.virtual)" == "10.9.0.2:40000 10.9.0.1:80")
        #expect("\(connection.destination)" == "10.9.0.3:8000")
        #expect(connection.flags.rawValue == 0x83)
        #expect(connection.state == 1)
        #expect(connection.timeout == 900)
        #expect(connection.record == Array(datagram.bytes[8..<44]))
    }

    @Test(arguments: [false, true]) func packsAndReadsBack(isIPv6: Bool) throws {
        let connections = (1...200).map { Sample.connection($0, isIPv6: isIPv6) }
        var packer = DatagramPacker(syncID: 9)
        var datagrams = connections.compactMap { packer.add($0.record) }
        let last = packer.finish()
        datagrams.append(try #require(last))
        let none = packer.finish()
        #expect(none == nil)
        let read = try datagrams.flatMap { bytes in
            #expect(bytes.count <= DatagramPacker.usualLength)
            let datagram = try SyncDatagram(bytes)
            return datagram.records.compactMap { datagram.connection($0) }
        }
        #expect(read == connections)
    }

    @Test func recordsWithOptionsAreAligned() throws {
        var record = Sample.connection().record
        record += [1, 24] + [UInt8](repeating: 7, count: 24)
        record[3] = 62
        var packer = DatagramPacker(syncID: 1)
        _ = packer.add(record)
        _ = packer.add(Sample.connection(2).record)
        let datagram = try SyncDatagram(packer.finish() ?? [])
        #expect(datagram.records == [8..<70, 72..<108])
        // The kernel leaves no padding at the end, and takes up to three bytes of it.
        _ = packer.add(record)
        let alone = packer.finish()
        #expect(alone?.count == 70)
    }

    @Test func atMost255RecordsAreInADatagram() throws {
        var packer = DatagramPacker(syncID: 1, limit: 65507)
        let full = (0..<256).compactMap { packer.add(Sample.connection($0).record) }
        #expect(full.count == 1)
        #expect(try SyncDatagram(full[0]).records.count == 255)
    }

    @Test func versionZero() throws {
        let plain = "02 05 0064" + "00 06 9c40 0050 1f40 0a090002 0a090001 0a090003 0083 0001"
        let withSequence =
            "00 06 9c41 0050 1f40 0a090002 0a090001 0a090003 0283 0001" + String(repeating: "00", count: 48)
        // 100 bytes, as the header says, of which two records are only 76.
        #expect(throws: SyncDatagram.Malformation.wrongCount) { try SyncDatagram(hex(plain + withSequence)) }
        var bytes = hex(plain + withSequence)
        bytes.removeLast(24)
        bytes[3] = UInt8(bytes.count)
        let datagram = try SyncDatagram(bytes)
        #expect(datagram.version == .zero)
        #expect(datagram.syncID == 5)
        #expect(datagram.records == [4..<28, 28..<76])
    }

    private static let broken: [(String, @Sendable (inout [UInt8]) -> Void, SyncDatagram.Malformation)] = [
        ("size", { $0[3] += 1 }, .wrongSize),
        ("cut", { $0.removeLast(4) }, .wrongSize),
        ("no records", { $0[4] = 0 }, .wrongCount),
        ("too many records", { $0[4] = 2 }, .badRecord),
        ("unknown type", { $0[8] = 2 }, .badRecord),
        ("record version", { $0[10] = 0x10 }, .badRecord),
        ("record too short", { $0[11] = 35 }, .badRecord),
        ("record too long", { $0[11] = 37 }, .badRecord),
    ]

    @Test func refusesWhatTheKernelWouldDrop() {
        for (name, damage, expected) in Self.broken {
            var bytes = hex(one)
            damage(&bytes)
            #expect(throws: expected, "\(name)") { try SyncDatagram(bytes) }
        }
    }

    @Test func options() {
        let result = { (options: [UInt8]) -> SyncDatagram.Malformation? in
            var record = Sample.connection().record + options
            record[3] = UInt8(record.count)
            var packer = DatagramPacker(syncID: 1)
            _ = packer.add(record)
            do throws(SyncDatagram.Malformation) {
                _ = try SyncDatagram(packer.finish() ?? [])
                return nil
            } catch {
                return error
            }
        }
        #expect(result([2, 1, 9, 3, 3, 115, 105, 112]) == nil)
        #expect(result([0x44, 2, 0, 0]) == nil)
        #expect(result([4, 2, 0, 0]) == .badOption)
        #expect(result([2, 1, 9, 2, 1, 9]) == .badOption)
        #expect(result([1, 8] + [UInt8](repeating: 0, count: 8)) == .badOption)
        #expect(result([2, 0]) == .badOption)
        #expect(result([2, 4, 0]) == .badOption)
        #expect(result([2]) == .badOption)
        #expect(result([3, 17] + [UInt8](repeating: 65, count: 17)) == .badOption)
    }

    /// Random and damaged bytes never trap, and what is taken lies within its bounds and is taken again when packed anew.
    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func fuzz(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var taken = 0
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in .random(in: 0...255, using: &random) }
                if bytes.count >= 8 {
                    bytes[0] = 0
                    bytes[2] = 0
                    bytes[3] = UInt8(bytes.count)
                    bytes[5] = 1
                    bytes[6] = 0
                    bytes[7] = 0
                }
            } else {
                bytes = Sample.datagram((1...3).map { Sample.connection($0, isIPv6: random.next() & 1 == 0) })
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                }
            }
            guard let datagram = try? SyncDatagram(bytes) else {
                continue
            }
            taken += 1
            var end = 0
            for record in datagram.records {
                #expect(record.lowerBound >= end && record.upperBound <= bytes.count)
                end = record.upperBound
            }
            guard datagram.version == .one else {
                continue
            }
            var packer = DatagramPacker(syncID: 1, limit: SyncDatagram.longest)
            var filter = RefreshFilter(bits: 4)
            for record in datagram.records {
                #expect(datagram.connection(record) != nil)
                _ = filter.isRefresh(bytes[record])
                _ = packer.add(bytes[record])
            }
            let again = try SyncDatagram(packer.finish() ?? [])
            #expect(again.records.count == datagram.records.count)
        }
        #expect(taken > 1000)
    }

    @Test func findsThePayloadInAPacket() {
        let group = IPAddress(ipv4: 0xe000_0051)
        let payload: [UInt8] = [1, 2, 3]
        let udp = hex("c000 2290 000b 0000") + payload
        let header = hex("4500 001f 0000 0000 0111 0000 0a090001 e0000051")
        #expect(SyncPacket.payload((header + udp)[...], group: group, ports: 8848)?.elementsEqual(payload) == true)
        // Padding of short frames does not belong to it.
        #expect(SyncPacket.payload((header + udp + [0, 0])[...], group: group, ports: 8848)?.count == 3)
        #expect(SyncPacket.payload((header + udp)[...], group: group, ports: 8785)?.count == 3)
        #expect(SyncPacket.payload((header + udp)[...], group: group, ports: 8849) == nil)
        #expect(SyncPacket.payload((header + udp)[...], group: IPAddress(ipv4: 0xe000_0052), ports: 8848) == nil)
        var fragment = header
        fragment[6] = 0x20
        #expect(SyncPacket.payload((fragment + udp)[...], group: group, ports: 8848) == nil)
        let header6 = hex(
            "6000 0000 000b 11 01" + String(repeating: "00", count: 16) + "ff020000000000000000000000000081"
        )
        let group6 = IPAddress("ff02::81") ?? group
        #expect(SyncPacket.payload((header6 + udp)[...], group: group6, ports: 8848)?.count == 3)
        for count in 0..<(header + udp).count {
            #expect(SyncPacket.payload((header + udp)[..<count], group: group, ports: 8848) == nil)
        }
    }
}
