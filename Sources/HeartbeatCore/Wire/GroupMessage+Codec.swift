// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The bytes of a group message: big endian, a header of 56 bytes, then records (type, length, value, padding to 4).
extension GroupMessage {
    /// Why bytes are not a message for us.
    public enum Malformed: Error, Equatable, Sendable {
        /// Shorter than it says or than a header.
        case truncated
        /// Does not start with "VRVB".
        case foreign
        /// Written by a later major version.
        case version(UInt8)
        /// The total length is not the length received, or more than a message may have.
        case length
        /// The checksum is wrong.
        case checksum
        /// An unknown type of message.
        case kind(UInt8)
        /// A record of a known type has an impossible content.
        case record(UInt16)
    }

    private static let magic: UInt32 = 0x5652_5642
    private static let headerLength = 56

    /// The most bytes of a message: what travels without blocking calls inside Corosync's library.
    static let largest = 8192

    private enum RecordType: UInt16 {
        case nodeName = 1
        case localLink = 2
        case peerLink = 3
        case ping = 4
        case policyDigest = 5
        case verdict = 6
        case reason = 7
        case softwareVersion = 8
    }

    /// The message as it is multicast, at most 8192 bytes.
    ///
    /// With very many nodes and links not all fits: first the single ping targets are left out, then the records of peers
    /// at the end, which is to say that nothing is known of them.
    public func encoded() -> [UInt8] {
        var message = self
        var bytes = message.encodedWhole()
        while bytes.count > Self.largest, let index = message.pings.lastIndex(where: { !$0.targets.isEmpty }) {
            message.pings[index].targets = []
            bytes = message.encodedWhole()
        }
        while bytes.count > Self.largest, !message.peerLinks.isEmpty {
            let excess = bytes.count - Self.largest
            message.peerLinks.removeLast(min(message.peerLinks.count, excess / PeerLinkRecord.encodedLength + 1))
            bytes = message.encodedWhole()
        }
        return bytes
    }

    private func encodedWhole() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 512)
        writer.writeBigEndian(Self.magic)
        writer.write([1, 0, kind.rawValue, UInt8(Self.headerLength / 4)])
        writer.writeBigEndian(UInt32(0))
        writer.writeBigEndian(UInt32(0))
        writer.writeBigEndian(node)
        writer.writeBigEndian(flags.rawValue)
        writer.writeBigEndian(incarnation)
        writer.writeBigEndian(sequence)
        writer.writeBigEndian(sentAt)
        writer.writeBigEndian(configurationHash)
        if !nodeName.isEmpty {
            writer.writeRecord(RecordType.nodeName.rawValue, Array(nodeName.utf8.prefix(255)))
        }
        for record in localLinks {
            writer.writeRecord(RecordType.localLink.rawValue, record.encoded)
        }
        for record in peerLinks {
            writer.writeRecord(RecordType.peerLink.rawValue, record.encoded)
        }
        for record in pings {
            writer.writeRecord(RecordType.ping.rawValue, record.encoded)
        }
        if let policyDigest {
            var digest = ByteWriter(reservingCapacity: 8)
            digest.writeBigEndian(policyDigest)
            writer.writeRecord(RecordType.policyDigest.rawValue, digest.bytes)
        }
        for record in verdicts {
            writer.writeRecord(RecordType.verdict.rawValue, record.encoded)
        }
        if !reason.isEmpty {
            writer.writeRecord(RecordType.reason.rawValue, Array(reason.utf8.prefix(255)))
        }
        if !softwareVersion.isEmpty {
            writer.writeRecord(RecordType.softwareVersion.rawValue, Array(softwareVersion.utf8.prefix(63)))
        }
        writer.patchBigEndian(UInt32(writer.bytes.count), at: 8)
        writer.patchBigEndian(CRC32C.checksum(writer.bytes), at: 12)
        return writer.bytes
    }

    /// Reads a message; records of unknown types are passed over.
    public init(decoding bytes: [UInt8]) throws(Malformed) {
        var reader = ByteReader(bytes)
        guard let magic = reader.readBigEndian(UInt32.self), let major = reader.readBigEndian(UInt8.self),
            reader.skip(1), let kindCode = reader.readBigEndian(UInt8.self),
            let headerWords = reader.readBigEndian(UInt8.self), let total = reader.readBigEndian(UInt32.self),
            let checksum = reader.readBigEndian(UInt32.self), let node = reader.readBigEndian(UInt32.self),
            let flags = reader.readBigEndian(UInt32.self), let incarnation = reader.readBigEndian(UInt64.self),
            let sequence = reader.readBigEndian(UInt64.self), let sentAt = reader.readBigEndian(Int64.self),
            let hash = reader.readBigEndian(UInt64.self)
        else {
            throw .truncated
        }
        guard magic == Self.magic else {
            throw .foreign
        }
        guard major == 1 else {
            throw .version(major)
        }
        guard Int(total) == bytes.count, bytes.count <= Self.largest else {
            throw .length
        }
        var unchecked = bytes
        unchecked.replaceSubrange(12..<16, with: [0, 0, 0, 0])
        guard CRC32C.checksum(unchecked) == checksum else {
            throw .checksum
        }
        guard let kind = Kind(rawValue: kindCode) else {
            throw .kind(kindCode)
        }
        // A later minor version may have a longer header.
        let extra = Int(headerWords) * 4 - Self.headerLength
        guard extra >= 0, reader.skip(extra) else {
            throw .truncated
        }
        self.init(
            kind: kind,
            node: node,
            flags: Flags(rawValue: flags),
            incarnation: incarnation,
            sequence: sequence,
            sentAt: sentAt,
            configurationHash: hash
        )
        while reader.remaining > 0 {
            guard let type = reader.readBigEndian(UInt16.self), let length = reader.readBigEndian(UInt16.self),
                let value = reader.read(Int(length)), reader.skip((4 - Int(length) % 4) % 4)
            else {
                throw .truncated
            }
            try take(type, value)
        }
    }

    private mutating func take(_ type: UInt16, _ value: ArraySlice<UInt8>) throws(Malformed) {
        switch RecordType(rawValue: type) {
        case .nodeName: nodeName = String(decoding: value, as: UTF8.self)
        case .reason: reason = String(decoding: value, as: UTF8.self)
        case .softwareVersion: softwareVersion = String(decoding: value, as: UTF8.self)
        case .localLink:
            guard let record = LocalLinkRecord(decoding: value) else {
                throw .record(type)
            }
            localLinks.append(record)
        case .peerLink:
            guard let record = PeerLinkRecord(decoding: value) else {
                throw .record(type)
            }
            peerLinks.append(record)
        case .ping:
            guard let record = PingRecord(decoding: value) else {
                throw .record(type)
            }
            pings.append(record)
        case .policyDigest:
            var reader = ByteReader(value)
            guard let digest = reader.readBigEndian(UInt64.self) else {
                throw .record(type)
            }
            policyDigest = digest
        case .verdict:
            guard let record = VerdictRecord(decoding: value) else {
                throw .record(type)
            }
            verdicts.append(record)
        case nil: break
        }
    }
}

extension ByteWriter {
    fileprivate mutating func writeRecord(_ type: UInt16, _ value: [UInt8]) {
        writeBigEndian(type)
        writeBigEndian(UInt16(value.count))
        write(value)
        align(to: 4)
    }
}

extension LocalLinkRecord {
    /// 12 bytes and the interface's name; earlier versions wrote 4, and read no more.
    fileprivate var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 28)
        writer.write([link, hasCarrier ? 1 : 0, hasAddress ? 1 : 0, receives ? 1 : 0])
        writer.writeBigEndian(speed)
        writer.writeBigEndian(receivedDelta)
        writer.write(Array(interface.utf8.prefix(15)))
        return writer.bytes
    }

    fileprivate init?(decoding value: ArraySlice<UInt8>) {
        var reader = ByteReader(value)
        guard let link = reader.readBigEndian(UInt8.self), let carrier = reader.readBigEndian(UInt8.self),
            let address = reader.readBigEndian(UInt8.self), let receives = reader.readBigEndian(UInt8.self)
        else {
            return nil
        }
        self.init(link: link, hasCarrier: carrier != 0, hasAddress: address != 0, receives: receives != 0)
        if let speed = reader.readBigEndian(UInt32.self), let delta = reader.readBigEndian(UInt32.self) {
            self.speed = speed
            receivedDelta = delta
            interface = reader.read(min(15, reader.remaining)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }
}

extension PingRecord {
    /// 4 bytes, and 28 for each target; earlier versions wrote the first, and read no more.
    fileprivate var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 4 + targets.count * 28)
        writer.write([link, total, alive, kind.rawValue])
        for target in targets {
            let bytes = target.address.bytes
            writer.write([bytes.count == 4 ? 4 : 6])
            writer.write(bytes)
            writer.writeZeros(16 - bytes.count)
            writer.write([target.isAlive ? 1 : 0, 0, 0])
            writer.writeBigEndian(target.roundTripMicroseconds)
            writer.writeBigEndian(target.ageMilliseconds)
        }
        return writer.bytes
    }

    fileprivate init?(decoding value: ArraySlice<UInt8>) {
        var reader = ByteReader(value)
        guard let link = reader.readBigEndian(UInt8.self), let total = reader.readBigEndian(UInt8.self),
            let alive = reader.readBigEndian(UInt8.self), alive <= total
        else {
            return nil
        }
        self.init(link: link, total: total, alive: alive)
        kind = reader.readBigEndian(UInt8.self).flatMap(Kind.init(rawValue:)) ?? .unknown
        while reader.remaining >= 28, let family = reader.readBigEndian(UInt8.self), let bytes = reader.read(16),
            let alive = reader.readBigEndian(UInt8.self), reader.skip(2),
            let roundTrip = reader.readBigEndian(UInt32.self), let age = reader.readBigEndian(UInt32.self)
        {
            // A target of another family than these is passed over: the numbers above have it.
            guard [4, 6].contains(family), let address = IPAddress(bytes: bytes.prefix(family == 4 ? 4 : 16)) else {
                continue
            }
            targets.append(
                Target(
                    address: address,
                    isAlive: alive != 0,
                    roundTripMicroseconds: roundTrip,
                    ageMilliseconds: age
                )
            )
        }
    }
}

extension PeerLinkRecord {
    /// The bytes of a record: its type and length, and the value.
    fileprivate static let encodedLength = 44

    /// 40 bytes: the fields in the order of the type's declaration.
    fileprivate var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 40)
        writer.writeBigEndian(peer)
        writer.write([link, state.rawValue, hears.rawValue, isHeard.rawValue, sources, flaps])
        writer.writeBigEndian(lossPermille)
        writer.writeBigEndian(roundTripMicroseconds)
        writer.writeBigEndian(probeAgeMilliseconds)
        writer.writeBigEndian(stateAgeMilliseconds)
        writer.writeBigEndian(missingTotal)
        writer.writeBigEndian(jitterMicroseconds)
        writer.write([knetEnabled.rawValue, knetConnected.rawValue, knetConnected == .unknown ? 0 : 1, 0])
        writer.writeBigEndian(UInt32(0))
        return writer.bytes
    }

    fileprivate init?(decoding value: ArraySlice<UInt8>) {
        var reader = ByteReader(value)
        guard let peer = reader.readBigEndian(UInt32.self), let link = reader.readBigEndian(UInt8.self),
            let state = reader.readBigEndian(UInt8.self).flatMap(LinkState.init(rawValue:)),
            let hears = reader.readBigEndian(UInt8.self).flatMap(Tristate.init(rawValue:)),
            let heard = reader.readBigEndian(UInt8.self).flatMap(Tristate.init(rawValue:)),
            let sources = reader.readBigEndian(UInt8.self), let flaps = reader.readBigEndian(UInt8.self),
            let loss = reader.readBigEndian(UInt16.self), let roundTrip = reader.readBigEndian(UInt32.self),
            let probeAge = reader.readBigEndian(UInt32.self), let stateAge = reader.readBigEndian(UInt32.self),
            let missing = reader.readBigEndian(UInt32.self), let jitter = reader.readBigEndian(UInt32.self),
            let enabled = reader.readBigEndian(UInt8.self).flatMap(Tristate.init(rawValue:)),
            let connected = reader.readBigEndian(UInt8.self).flatMap(Tristate.init(rawValue:))
        else {
            return nil
        }
        self.init(peer: peer, link: link, state: state, hears: hears, isHeard: heard)
        self.sources = sources
        self.flaps = flaps
        lossPermille = loss
        roundTripMicroseconds = roundTrip
        probeAgeMilliseconds = probeAge
        stateAgeMilliseconds = stateAge
        missingTotal = missing
        jitterMicroseconds = jitter
        knetEnabled = enabled
        knetConnected = connected
    }
}

extension VerdictRecord {
    fileprivate var encoded: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 8)
        writer.write([link, reason.rawValue])
        writer.writeBigEndian(UInt16(faulty.count))
        for node in faulty {
            writer.writeBigEndian(node)
        }
        return writer.bytes
    }

    fileprivate init?(decoding value: ArraySlice<UInt8>) {
        var reader = ByteReader(value)
        guard let link = reader.readBigEndian(UInt8.self),
            let reason = reader.readBigEndian(UInt8.self).flatMap(VerdictReason.init(rawValue:)),
            let count = reader.readBigEndian(UInt16.self), Int(count) * 4 <= reader.remaining
        else {
            return nil
        }
        var faulty: [NodeID] = []
        for _ in 0..<count {
            if let node = reader.readBigEndian(UInt32.self) {
                faulty.append(node)
            }
        }
        self.init(link: link, reason: reason, faulty: faulty)
    }
}
