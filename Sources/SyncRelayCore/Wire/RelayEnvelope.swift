// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// What one relay sends to the others: a header of 48 bytes with a checksum, then datagrams of the kernel or an order.
public struct RelayEnvelope: Equatable, Sendable {
    /// A request for the connections that another director knows.
    public struct SnapshotID: Hashable, Sendable {
        /// The node that asks.
        public var requester: UInt32
        /// Its number of the request, so that late answers to an earlier one are known.
        public var number: UInt32

        /// Joins the parts.
        public init(requester: UInt32, number: UInt32) {
            self.requester = requester
            self.number = number
        }
    }

    /// Told instead of the number of a sender's own connections when it has too many to count them all.
    public static let uncounted = UInt32.max

    /// Which connections a snapshot holds.
    public enum Scope: UInt32, Sendable {
        /// Those that were opened on the director that is asked.
        case local = 1
        /// All in its table.
        case all = 2
    }

    /// The kinds of envelopes.
    public enum Content: Equatable, Sendable {
        /// Datagrams of the sender's kernel, oldest first.
        case data([[UInt8]])
        /// The sender is here: how many connections it has of its own (or ``uncounted``) and in all, as far as counted.
        case hello(local: UInt32, total: UInt32)
        /// Asks `target` for connections.
        case snapshotRequest(SnapshotID, target: UInt32, Scope)
        /// A part of the answer: datagrams made from the sender's table.
        case snapshotData(SnapshotID, [[UInt8]])
        /// The end of the answer: how many parts and records it had, and how many entries could not be told.
        case snapshotEnd(SnapshotID, parts: UInt32, records: UInt32, skipped: UInt32)
        /// The sender ends.
        case bye

        var kind: UInt8 {
            switch self {
            case .data: 1
            case .hello: 2
            case .snapshotRequest: 3
            case .snapshotData: 4
            case .snapshotEnd: 5
            case .bye: 6
            }
        }
    }

    /// Why bytes are not an envelope for us.
    public enum Malformation: Error, Equatable, Sendable {
        /// Not an envelope at all, or its length is wrong.
        case notAnEnvelope
        /// Another version of the protocol.
        case otherVersion(UInt8)
        /// Damaged.
        case wrongChecksum
        /// A kind or a body that is not understood.
        case badBody
    }

    /// Length of the header.
    public static let headerLength = 48

    /// The longest envelope that is taken.
    public static let longest = 65536

    private static let magic: UInt32 = 0x5652_5653
    private static let version: UInt8 = 1

    /// The sender, as Corosync numbers it.
    public var node: UInt32

    /// The sender's run: random, new at every start.
    public var incarnation: UInt64

    /// Counts the envelopes with data of this run, from 1; others repeat the number of the last one.
    public var sequence: UInt64

    /// When the oldest datagram was captured: nanoseconds of the sender's monotonic clock.
    public var capturedAt: UInt64

    /// What it says.
    public var content: Content

    /// Joins the parts.
    public init(node: UInt32, incarnation: UInt64, sequence: UInt64, capturedAt: UInt64 = 0, content: Content) {
        self.node = node
        self.incarnation = incarnation
        self.sequence = sequence
        self.capturedAt = capturedAt
        self.content = content
    }

    /// How much room a datagram takes in an envelope.
    public static func room(for datagram: Int) -> Int { 4 + (datagram + 3) & ~3 }

    /// The bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter(reservingCapacity: 8192)
        writer.writeBigEndian(Self.magic)
        writer.write([Self.version, content.kind, 0, 0])
        writer.writeZeros(8)
        writer.writeBigEndian(node)
        writer.writeBigEndian(UInt32(datagrams.count))
        writer.writeBigEndian(incarnation)
        writer.writeBigEndian(sequence)
        writer.writeBigEndian(capturedAt)
        switch content {
        case .data, .bye: break
        case .hello(let local, let total): Self.write([local, total], &writer)
        case .snapshotRequest(let id, let target, let scope):
            Self.write([id.requester, id.number, target, scope.rawValue], &writer)
        case .snapshotData(let id, _): Self.write([id.requester, id.number], &writer)
        case .snapshotEnd(let id, let parts, let records, let skipped):
            Self.write([id.requester, id.number, parts, records, skipped], &writer)
        }
        for datagram in datagrams {
            writer.writeBigEndian(UInt16(truncatingIfNeeded: datagram.count))
            writer.writeZeros(2)
            writer.write(datagram)
            writer.align(to: 4)
        }
        writer.patchBigEndian(UInt32(writer.bytes.count - Self.headerLength), at: 8)
        writer.patchBigEndian(CRC32C.checksum(writer.bytes), at: 12)
        return writer.bytes
    }

    /// The sequence number of an envelope of our own, without reading the rest; nil when it holds no data.
    static func sequenceOfData(_ bytes: [UInt8]) -> UInt64? {
        guard bytes.count > headerLength, bytes[5] == 1 else {
            return nil
        }
        return bytes[32..<40].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private var datagrams: [[UInt8]] {
        switch content {
        case .data(let datagrams), .snapshotData(_, let datagrams): datagrams
        default: []
        }
    }

    private static func write(_ numbers: [UInt32], _ writer: inout ByteWriter) {
        for number in numbers {
            writer.writeBigEndian(number)
        }
    }

    /// Reads an envelope.
    ///
    /// - Parameter bytes: A whole message.
    /// - Throws: ``Malformation``.
    public init(decoding bytes: [UInt8]) throws(Malformation) {
        var reader = ByteReader(bytes)
        guard bytes.count >= Self.headerLength, bytes.count <= Self.longest,
            reader.readBigEndian(UInt32.self) == Self.magic, let version = reader.readBigEndian(UInt8.self)
        else {
            throw .notAnEnvelope
        }
        guard version == Self.version else {
            throw .otherVersion(version)
        }
        guard let kind = reader.readBigEndian(UInt8.self), reader.skip(2),
            reader.readBigEndian(UInt32.self) == UInt32(bytes.count - Self.headerLength),
            let checksum = reader.readBigEndian(UInt32.self),
            let node = reader.readBigEndian(UInt32.self), let count = reader.readBigEndian(UInt32.self),
            let incarnation = reader.readBigEndian(UInt64.self), let sequence = reader.readBigEndian(UInt64.self),
            let capturedAt = reader.readBigEndian(UInt64.self)
        else {
            throw .notAnEnvelope
        }
        guard Self.checksum(bytes) == checksum else {
            throw .wrongChecksum
        }
        guard let content = Self.content(kind, count, &reader), reader.remaining == 0 else {
            throw .badBody
        }
        self.init(
            node: node,
            incarnation: incarnation,
            sequence: sequence,
            capturedAt: capturedAt,
            content: content
        )
    }

    /// The checksum with its own field taken as 0.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var checksum = CRC32C()
        bytes.withUnsafeBytes { bytes in
            checksum.update(UnsafeRawBufferPointer(rebasing: bytes[..<12]))
            withUnsafeBytes(of: UInt32(0)) { checksum.update($0) }
            checksum.update(UnsafeRawBufferPointer(rebasing: bytes[16...]))
        }
        return checksum.value
    }

    private static func content(_ kind: UInt8, _ count: UInt32, _ reader: inout ByteReader) -> Content? {
        switch kind {
        case 1: return datagrams(count, &reader).map(Content.data)
        case 2: return numbers(2, &reader).map { .hello(local: $0[0], total: $0[1]) }
        case 3:
            guard let found = numbers(4, &reader), let scope = Scope(rawValue: found[3]) else {
                return nil
            }
            return .snapshotRequest(SnapshotID(requester: found[0], number: found[1]), target: found[2], scope)
        case 4:
            // One without any says that there is more to look through.
            guard let found = numbers(2, &reader), let datagrams = count == 0 ? [] : datagrams(count, &reader) else {
                return nil
            }
            return .snapshotData(SnapshotID(requester: found[0], number: found[1]), datagrams)
        case 5:
            return numbers(5, &reader).map { found in
                let id = SnapshotID(requester: found[0], number: found[1])
                return .snapshotEnd(id, parts: found[2], records: found[3], skipped: found[4])
            }
        case 6: return .bye
        default: return nil
        }
    }

    private static func numbers(_ count: Int, _ reader: inout ByteReader) -> [UInt32]? {
        var numbers: [UInt32] = []
        for _ in 0..<count {
            guard let number = reader.readBigEndian(UInt32.self) else {
                return nil
            }
            numbers.append(number)
        }
        return numbers
    }

    private static func datagrams(_ count: UInt32, _ reader: inout ByteReader) -> [[UInt8]]? {
        // Every one takes at least 4 bytes, which bounds what is reserved.
        guard count >= 1, Int(count) <= reader.remaining / 4 else {
            return nil
        }
        var datagrams: [[UInt8]] = []
        datagrams.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let length = reader.readBigEndian(UInt16.self), reader.skip(2),
                let bytes = reader.read(Int(length)), reader.skip((4 - Int(length) % 4) % 4)
            else {
                return nil
            }
            datagrams.append(Array(bytes))
        }
        return datagrams
    }
}
