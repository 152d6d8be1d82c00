// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import HeartbeatCore

private func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    return stride(from: 0, to: digits.count, by: 2).compactMap { index in
        let start = digits.index(digits.startIndex, offsetBy: index)
        return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
    }
}

private let sampleProbe = ProbeDatagram(
    link: 1,
    flags: 4,
    source: 2,
    destination: 1,
    sourceIncarnation: 0x0102_0304_0506_0708,
    destinationIncarnation: 0x1112_1314_1516_1718,
    sequence: 9,
    sentAt: 10,
    echo: 8,
    echoAgeMilliseconds: 150,
    hears: 3,
    pings: 1,
    carriers: 3,
    keyID: 7
)

private func sampleMessage() -> GroupMessage {
    var message = GroupMessage(
        kind: .view,
        node: 1,
        flags: [.starting],
        incarnation: 0xa1a2_a3a4_a5a6_a7a8,
        sequence: 5,
        sentAt: 6,
        configurationHash: 7
    )
    message.nodeName = "d1"
    var local = LocalLinkRecord(link: 0, hasCarrier: true, hasAddress: true, receives: false)
    local.speed = 1000
    local.receivedDelta = 77
    local.interface = "eth0"
    message.localLinks = [local]
    message.policyDigest = 0x0102_0304_0506_0708
    var record = PeerLinkRecord(peer: 2, link: 1, state: .late, hears: .yes, isHeard: .unknown)
    record.lossPermille = 100
    record.roundTripMicroseconds = 250
    record.knetConnected = .no
    message.peerLinks = [record]
    var ping = PingRecord(link: 0, total: 2, alive: 1)
    ping.kind = .configured
    ping.targets = ["192.0.2.1", "2001:db8::1"].compactMap { IPAddress($0) }.map {
        PingRecord.Target(address: $0, isAlive: $0.family == .ipv4, roundTripMicroseconds: 9, ageMilliseconds: 150)
    }
    message.pings = [ping]
    message.verdicts = [VerdictRecord(link: 0, reason: .cutAndPing, faulty: [2])]
    message.reason = "why"
    message.softwareVersion = "0.1.0"
    return message
}

@Suite struct WireTests {
    @Test func checksumOfTheStandard() {
        // RFC 3720 B.4: 32 bytes of zeros, of ones, and the check value of the catalogue.
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(CRC32C.checksum("123456789".utf8) == 0xe306_9283)
    }

    @Test func hmacOfTheStandard() {
        // RFC 4231, test case 2.
        let digest = ProbeKey.hmac(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(
            digest == hex("5bdcc146bf60754e6a042426089575c7 5a003f089d2739839dec58b964ec3843")
        )
    }

    @Test func aKeyMadeReadyIsTheSameKey() {
        let key = ProbeKey(secret: Array("secret".utf8))
        let ready = ProbeAuthenticator(key)
        for length in [0, 1, 64, 200] {
            let message = [UInt8](repeating: 7, count: length)
            #expect(ready.tag(message) == key.tag(message), "one after the other: \(length)")
            #expect(ready.authenticates(message, tag: key.tag(message)))
            #expect(!ready.authenticates(message, tag: [UInt8](repeating: 0, count: 16)))
        }
    }

    @Test func noMessageIsLargerThanTheGroupTakes() throws {
        var message = sampleMessage()
        message.verdicts = []
        for peer in UInt32(1)...60 {
            for link in UInt8(0)...7 {
                message.peerLinks.append(
                    PeerLinkRecord(peer: peer, link: link, state: .up, hears: .yes, isHeard: .yes)
                )
            }
        }
        let bytes = message.encoded()
        #expect(bytes.count <= 8192 && bytes.count > 8192 - 44)
        let read = try GroupMessage(decoding: bytes)
        #expect(read.peerLinks.count > 150 && read.peerLinks == Array(message.peerLinks.prefix(read.peerLinks.count)))
        #expect(read.softwareVersion == message.softwareVersion && read.localLinks == message.localLinks)
    }

    @Test func probeBytes() {
        let expected = hex(
            """
            56525650 01010104
            00000002 00000001
            0102030405060708
            1112131415161718
            0000000000000009
            000000000000000a
            0000000000000008
            00000096 03010307
            """
        )
        #expect(sampleProbe.authenticatedBytes == expected)
        #expect(expected.count + ProbeKey.tagLength == ProbeDatagram.length)
        #expect(ProbeDatagram(decoding: expected) == sampleProbe)
    }

    @Test func probeRefusesOtherBytes() {
        let bytes = sampleProbe.authenticatedBytes
        for length in bytes.indices {
            #expect(ProbeDatagram(decoding: bytes.prefix(length)) == nil)
        }
        for offset in 0..<6 {
            var other = bytes
            other[offset] ^= 0x40
            #expect(ProbeDatagram(decoding: other) == nil)
        }
    }

    @Test func keysAuthenticate() {
        let key = ProbeKey(secret: Array("secret of at least sixteen bytes".utf8))
        let other = ProbeKey(secret: Array("Secret of at least sixteen bytes".utf8))
        let message = sampleProbe.authenticatedBytes
        let tag = key.tag(message)
        #expect(tag.count == ProbeKey.tagLength)
        #expect(key.authenticates(message, tag: tag))
        #expect(!other.authenticates(message, tag: tag))
        #expect(!key.authenticates(message, tag: tag.dropLast()))
        for bit in 0..<(message.count * 8) {
            var forged = message
            forged[bit / 8] ^= 1 << (bit % 8)
            #expect(!key.authenticates(forged, tag: tag))
        }
    }

    @Test func messageHeaderBytes() {
        var message = sampleMessage()
        message.nodeName = ""
        message.localLinks = []
        message.peerLinks = []
        message.pings = [PingRecord(link: 0, total: 2, alive: 1)]
        message.verdicts = []
        message.reason = ""
        message.softwareVersion = ""
        message.policyDigest = nil
        var bytes = message.encoded()
        bytes.replaceSubrange(12..<16, with: [0, 0, 0, 0])
        let expected = hex(
            """
            56525642 0100020e 00000040 00000000
            00000001 00000001 a1a2a3a4a5a6a7a8
            0000000000000005 0000000000000006 0000000000000007
            00040004 00020100
            """
        )
        #expect(bytes == expected)
    }

    @Test func recordBytes() throws {
        var message = sampleMessage()
        message.nodeName = ""
        message.peerLinks = []
        message.verdicts = []
        message.reason = ""
        message.softwareVersion = ""
        let expected = hex(
            """
            00020010 00010100 000003e8 0000004d 65746830
            0004003c 00020101
            04 c0000201000000000000000000000000 010000 00000009 00000096
            06 20010db8000000000000000000000001 000000 00000009 00000096
            00050008 0102030405060708
            """
        )
        #expect(Array(message.encoded().dropFirst(56)) == expected)
        #expect(try GroupMessage(decoding: message.encoded()) == message)
    }

    /// Earlier versions wrote the first four bytes of both records, and no digest.
    @Test func shorterRecordsOfEarlierVersions() throws {
        var writer = ByteWriter()
        writer.write(Array(sampleMessage().encoded().prefix(56)))
        writer.write(hex("00020004 00010100 00040004 00020100"))
        let message = try GroupMessage(decoding: sealed(writer.bytes))
        #expect(message.localLinks == [LocalLinkRecord(link: 0, hasCarrier: true, hasAddress: true, receives: false)])
        #expect(message.pings == [PingRecord(link: 0, total: 2, alive: 1)] && message.policyDigest == nil)
    }

    @Test func pingTargetsGiveWayToRecordsOfPeers() throws {
        var message = sampleMessage()
        let target = try #require(message.pings.first?.targets.first)
        message.pings[0].targets = [PingRecord.Target](repeating: target, count: 250)
        message.peerLinks = (UInt32(1)...40).map {
            PeerLinkRecord(peer: $0, link: 0, state: .up, hears: .yes, isHeard: .yes)
        }
        let read = try GroupMessage(decoding: message.encoded())
        #expect(read.peerLinks == message.peerLinks && read.pings[0].targets.isEmpty && read.pings[0].total == 2)
    }

    @Test func countersAndMeasurementsAreNoNews() {
        let message = sampleMessage()
        var other = message
        other.localLinks[0].receivedDelta += 1
        other.pings[0].targets[0].ageMilliseconds += 1
        other.pings[0].targets[0].roundTripMicroseconds += 1
        #expect(message.saysTheSame(as: other))
        other.pings[0].targets[0].isAlive = false
        #expect(!message.saysTheSame(as: other))
        other = message
        other.localLinks[0].speed = 100
        #expect(!message.saysTheSame(as: other))
        other = message
        other.verdicts = []
        #expect(!message.saysTheSame(as: other) && message.saysTheSame(as: other, besidesVerdicts: true))
    }

    @Test(arguments: GroupMessage.Kind.allCases) func messageRoundTrip(kind: GroupMessage.Kind) throws {
        var message = sampleMessage()
        message.kind = kind
        #expect(try GroupMessage(decoding: message.encoded()) == message)
    }

    @Test func messageSkipsUnknownRecords() throws {
        var writer = ByteWriter()
        writer.write(sampleMessage().encoded())
        writer.write([0x7f, 0x01, 0, 2, 0xaa, 0xbb, 0, 0])
        #expect(try GroupMessage(decoding: sealed(writer.bytes)) == sampleMessage())
    }

    @Test func messageErrors() {
        let bytes = sampleMessage().encoded()
        for length in bytes.indices {
            #expect(throws: GroupMessage.Malformed.self) { try GroupMessage(decoding: Array(bytes.prefix(length))) }
        }
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            // One byte is free: the minor version is covered by the checksum like all others.
            #expect(throws: GroupMessage.Malformed.self) { try GroupMessage(decoding: damaged) }
        }
    }

    /// Random changes under a correct checksum: never a trap, and what decodes encodes again.
    @Test func messageFuzz() throws {
        var generator = SeededGenerator(seed: 61)
        for _ in 0..<20_000 {
            var bytes = sampleMessage().encoded()
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 6..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                bytes.removeLast(Int.random(in: 1...40, using: &generator))
            }
            if let message = try? GroupMessage(decoding: sealed(bytes)) {
                #expect(try GroupMessage(decoding: message.encoded()).incarnation == message.incarnation)
            }
        }
        for _ in 0..<5000 {
            let count = Int.random(in: 0...120, using: &generator)
            let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(throws: GroupMessage.Malformed.self) { try GroupMessage(decoding: noise) }
            #expect(ProbeDatagram(decoding: noise) == nil)
            _ = EchoMessage(replyWithHeader: noise)
        }
    }

    /// Random and damaged datagrams: a decoder never traps, and no changed byte survives the authentication.
    @Test func probeFuzz() throws {
        var generator = SeededGenerator(seed: 99)
        let key = ProbeKey(secret: Array("0123456789abcdef".utf8))
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...100, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(ProbeDatagram(decoding: bytes) == nil)
            if let damaged = ProbeDatagram(decoding: [0x56, 0x52, 0x56, 0x50, 1, 1] + bytes) {
                let again = damaged.authenticatedBytes
                #expect(again == Array(([0x56, 0x52, 0x56, 0x50, 1, 1] + bytes).prefix(64)))
                #expect(!key.authenticates(again, tag: bytes.prefix(16)))
            }
        }
    }

    @Test func echoMessages() {
        let request = EchoMessage(identifier: 0x1234, sequence: 7).requestBytes
        #expect(request == hex("0800 e5c4 1234 0007"))
        let header = [UInt8](repeating: 0x45, count: 1) + [UInt8](repeating: 0, count: 19)
        #expect(
            EchoMessage(replyWithHeader: header + hex("0000 0000 1234 0007"))
                == EchoMessage(identifier: 0x1234, sequence: 7)
        )
        #expect(EchoMessage(replyWithHeader: header + request) == nil)
        #expect(EchoMessage(replyWithHeader: header) == nil)
        #expect(EchoMessage(replyWithHeader: [0x4f, 0]) == nil)
    }

    /// The bytes with the length and the checksum that belong to them.
    private func sealed(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(bytes)
        if bytes.count >= 16 {
            writer.patchBigEndian(UInt32(bytes.count), at: 8)
            writer.patchBigEndian(UInt32(0), at: 12)
            writer.patchBigEndian(CRC32C.checksum(writer.bytes), at: 12)
        }
        return writer.bytes
    }
}
