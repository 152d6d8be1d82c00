// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import Netlink

@Suite struct AttributeTests {
    @Test func writesLengthsPaddingAndByteOrder() {
        var writer = AttributeWriter(header: [1, 2])
        writer.putHost(1, UInt8(0xab))
        writer.putBigEndian(2, UInt16(80))
        writer.put(3, string: "lo")
        writer.putFlag(4)
        writer.nest(5) { $0.putBigEndian(6, UInt32(1)) }
        writer.nest(7, flagged: false) { _ in }
        #expect(
            writer.bytes == [1, 2, 0, 0]
                + host(UInt16(5), UInt16(1)) + [0xab, 0, 0, 0]
                + host(UInt16(6), UInt16(2)) + [0, 80, 0, 0]
                + host(UInt16(7), UInt16(3)) + [0x6c, 0x6f, 0, 0]
                + host(UInt16(4), UInt16(4))
                + host(UInt16(12), UInt16(0x8005)) + host(UInt16(8), UInt16(6)) + [0, 0, 0, 1]
                + host(UInt16(4), UInt16(7))
        )
    }

    @Test func readsWhatItWrote() throws {
        var writer = AttributeWriter()
        writer.putHost(1, UInt64(0x0102_0304_0506_0708))
        writer.put(2, address: IPAddress(ipv4: 0x0a00_0001))
        writer.nest(3) { $0.put(9, string: "ipvs") }
        writer.putHost(1, UInt64(5))
        let attributes = NetlinkAttributes(writer.bytes[...])
        #expect(attributes.isComplete)
        #expect(attributes.all.count == 4)
        // The last of a repeated type counts, as in the kernel.
        #expect(attributes[1]?.host(UInt64.self) == 5)
        #expect(attributes[2]?.address == IPAddress(ipv4: 0x0a00_0001))
        // The flag NLA_F_NESTED is no part of the type.
        #expect(attributes[3]?.nested[9]?.string == "ipvs")
        #expect(attributes[4] == nil)
    }

    @Test func shortPayloadsGiveNothing() {
        var writer = AttributeWriter()
        writer.putHost(1, UInt16(7))
        let attribute = NetlinkAttributes(writer.bytes[...])[1]
        #expect(attribute?.host(UInt32.self) == nil)
        #expect(attribute?.bigEndian(UInt32.self) == nil)
        #expect(attribute?.host(UInt8.self) != nil)
        #expect(attribute?.address == nil)
    }

    @Test func brokenLengthsEndTheList() {
        var writer = AttributeWriter()
        writer.putHost(1, UInt32(1))
        for bad in [host(UInt16(3), UInt16(2)), host(UInt16(9), UInt16(2)) + [0, 0, 0, 0], [8], [0, 0, 0, 0]] {
            let attributes = NetlinkAttributes((writer.bytes + bad)[...])
            #expect(!attributes.isComplete)
            #expect(attributes.all.count == 1)
        }
    }

    @Test func lastAttributeNeedsNoPadding() {
        let attributes = NetlinkAttributes((host(UInt16(5), UInt16(1)) + [9])[...])
        #expect(attributes.isComplete)
        #expect(attributes[1]?.host(UInt8.self) == 9)
    }
}

@Suite struct MessageTests {
    @Test func severalMessagesInADatagram() {
        let messages = [
            NetlinkMessage(type: 16, flags: [.request, .acknowledge], sequence: 7, payload: [1, 2, 3] as [UInt8]),
            NetlinkMessage(type: 17, flags: .dump, sequence: 8, port: 99, payload: [UInt8](repeating: 4, count: 8)),
        ]
        var writer = ByteWriter()
        for message in messages {
            message.encode(into: &writer)
        }
        // 19 bytes, padded to 20; then 24.
        #expect(writer.bytes.count == 44)
        #expect(Array(writer.bytes.prefix(8)) == host(UInt32(19)) + host(UInt16(16), UInt16(5)))
        let parsed = NetlinkMessage.parse(writer.bytes)
        #expect(parsed.complete)
        #expect(parsed.messages == messages)
        for length in 0..<writer.bytes.count {
            let part = NetlinkMessage.parse(writer.bytes.prefix(length))
            // The padding after the last byte of a message is not needed.
            #expect(part.complete == [0, 19, 20].contains(length), "cut after \(length) bytes")
        }
    }

    @Test func errorWithTheKernelsWords() {
        var words = AttributeWriter()
        words.put(1, string: "Unknown device type")
        let original = host(UInt32(32)) + [UInt8](repeating: 0, count: 12)
        let full = NetlinkMessage(
            type: 2,
            flags: .acknowledgeAttributes,
            payload: host(Int32(-95)) + original + [UInt8](repeating: 1, count: 16) + words.bytes
        )
        let capped = NetlinkMessage(
            type: 2,
            flags: [.acknowledgeAttributes, .capped],
            payload: host(Int32(-95)) + original + words.bytes
        )
        #expect(NetlinkAnswer(full) == .end(code: 95, detail: "Unknown device type"))
        #expect(NetlinkAnswer(capped) == .end(code: 95, detail: "Unknown device type"))
    }

    @Test func endsAndControlMessages() {
        #expect(NetlinkAnswer(NetlinkMessage(type: 2, payload: host(Int32(0)))) == .end(code: 0, detail: ""))
        #expect(NetlinkAnswer(NetlinkMessage(type: 2, payload: [0, 0] as [UInt8])) == .malformed)
        // The end of a dump carries its status.
        #expect(NetlinkAnswer(NetlinkMessage(type: 3, payload: host(Int32(-105)))) == .end(code: 105, detail: ""))
        #expect(NetlinkAnswer(NetlinkMessage(type: 3, payload: [] as [UInt8])) == .end(code: 0, detail: ""))
        #expect(NetlinkAnswer(NetlinkMessage(type: 3, payload: host(Int32.min))) == .end(code: 0, detail: ""))
        #expect(NetlinkAnswer(NetlinkMessage(type: 1, payload: [] as [UInt8])) == .nothing)
    }

    @Test(arguments: 0..<20) func randomBytesNeverTrap(_ round: Int) {
        var random = SeededGenerator(seed: UInt64(round))
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                // Small numbers make plausible lengths.
                Bool.random(using: &random)
                    ? UInt8.random(in: 0...20, using: &random) : UInt8.random(in: 0...255, using: &random)
            }
            for message in NetlinkMessage.parse(bytes).messages {
                _ = NetlinkAnswer(message)
                _ = GenericAnswer(message)?.attributes.all.map { $0.nested.all.count }
            }
            _ = NetlinkAnswer(NetlinkMessage(type: 2, flags: .acknowledgeAttributes, payload: bytes))
            _ = NetlinkAnswer(NetlinkMessage(type: 3, flags: .acknowledgeAttributes, payload: bytes))
        }
    }
}

/// The values' bytes in host order.
private func host(_ values: any FixedWidthInteger...) -> [UInt8] {
    var writer = ByteWriter()
    for value in values {
        writer.writeHost(value)
    }
    return writer.bytes
}

/// SplitMix64: the same numbers for the same seed, which names the failing test case.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
