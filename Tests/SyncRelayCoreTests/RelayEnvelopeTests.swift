// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import SyncRelayCore

@Suite struct RelayEnvelopeTests {
    private static let id = RelayEnvelope.SnapshotID(requester: 2, number: 77)
    private static let contents: [RelayEnvelope.Content] = [
        .data([[1, 2, 3], [4, 5, 6, 7], [UInt8](repeating: 9, count: 1472)]),
        .hello(local: 5, total: 12),
        .snapshotRequest(id, target: 3, .all),
        .snapshotData(id, [[1], [2, 3]]),
        .snapshotData(id, []),
        .snapshotEnd(id, parts: 3, records: 100, skipped: 4),
        .bye,
    ]

    private func envelope(_ content: RelayEnvelope.Content) -> RelayEnvelope {
        RelayEnvelope(node: 1, incarnation: .max - 1, sequence: 1 << 40, capturedAt: 123_456_789, content: content)
    }

    @Test(arguments: contents) func readsBack(content: RelayEnvelope.Content) throws {
        let bytes = envelope(content).bytes
        #expect(bytes.count % 4 == 0)
        #expect(try RelayEnvelope(decoding: bytes) == envelope(content))
    }

    @Test func theHeaderIsAsDocumented() {
        let bytes = envelope(.hello(local: 1, total: 2)).bytes
        #expect(Array(bytes.prefix(6)) == Array("VRVS".utf8) + [1, 2])
        #expect(bytes.count == RelayEnvelope.headerLength + 8)
        #expect(Array(bytes[16..<20]) == [0, 0, 0, 1])
    }

    @Test func otherVersionsAndDamage() {
        var bytes = envelope(.bye).bytes
        bytes[4] = 2
        #expect(throws: RelayEnvelope.Malformation.otherVersion(2)) { try RelayEnvelope(decoding: bytes) }
        bytes[4] = 1
        bytes[20] ^= 1
        #expect(throws: RelayEnvelope.Malformation.wrongChecksum) { try RelayEnvelope(decoding: bytes) }
        #expect(throws: RelayEnvelope.Malformation.notAnEnvelope) { try RelayEnvelope(decoding: []) }
    }

    /// Every single changed bit is noticed, and a count that lies with a good checksum is no trap.
    @Test func everyBitCounts() throws {
        let good = envelope(.data([[1, 2, 3], [4, 5, 6]])).bytes
        for bit in 0..<good.count * 8 {
            var bytes = good
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: RelayEnvelope.Malformation.self) { try RelayEnvelope(decoding: bytes) }
        }
    }

    @Test(arguments: [11, 12, 13] as [UInt64]) func fuzz(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var taken = 0
        for _ in 0..<20_000 {
            let content = Self.contents.randomElement(using: &random) ?? .bye
            var bytes = envelope(content).bytes
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                bytes[Int.random(in: 5..<min(bytes.count, 120), using: &random)] = .random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) {
                bytes.removeLast(Int.random(in: 0...min(bytes.count, 20), using: &random))
            }
            if bytes.count >= RelayEnvelope.headerLength {
                // With a good length and checksum, so that what is behind them is reached.
                var writer = ByteWriter()
                writer.write(bytes)
                writer.patchBigEndian(UInt32(bytes.count - RelayEnvelope.headerLength), at: 8)
                writer.patchBigEndian(UInt32(0), at: 12)
                writer.patchBigEndian(CRC32C.checksum(writer.bytes), at: 12)
                bytes = writer.bytes
            }
            if let envelope = try? RelayEnvelope(decoding: bytes) {
                taken += 1
                #expect((try? RelayEnvelope(decoding: envelope.bytes)) == envelope)
            }
        }
        #expect(taken > 1000)
    }
}
