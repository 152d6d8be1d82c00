// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The bytes of a message: big endian, a header of 32 bytes, then what its kind says.
///
///     0 magic "VRVC", 4 major version 1, 5 minor version, 6 kind, 7 zero, 8 length of all,
///     12 CRC32C of all with this field zero, 16 node, 20 zero, 24 incarnation
extension Message {
    /// Why bytes are not a message for us.
    public enum Malformed: Error, Hashable, Sendable {
        /// Shorter than a header or than its content says.
        case truncated
        /// Does not start with "VRVC".
        case foreign
        /// Written by a later major version.
        case version(UInt8)
        /// The length is not the length received.
        case length
        /// The checksum is wrong.
        case checksum
        /// An unknown kind, or a content that cannot be.
        case content
    }

    /// Longest message in bytes, what libcpg sends without waiting.
    public static let limit = 8192

    /// Longest run of a file's bytes in one message.
    public static let partLength = 7168

    /// Longest file that is sent, in bytes.
    public static let fileLimit = 4 << 20

    private static let magic: UInt32 = 0x5652_5643
    private static let headerLength = 32
    private static let directorLimit = 64

    /// The message as it is multicast.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reservingCapacity: 512)
        writer.writeBigEndian(Self.magic)
        writer.write([1, 0, kind, 0])
        writer.writeZeros(8)
        writer.writeBigEndian(node)
        writer.writeZeros(4)
        writer.writeBigEndian(incarnation)
        switch body {
        case .state(let announcement): writer.write(announcement)
        case .fetch(let path, let from, let version):
            writer.write(text: path, limit: Announcement.pathLimit)
            writer.writeBigEndian(from)
            writer.write(version.bytes)
        case .begin(let path, let transfer, let version, let size, let mode):
            writer.write(text: path, limit: Announcement.pathLimit)
            writer.writeBigEndian(transfer)
            writer.write(version.bytes)
            writer.writeBigEndian(size)
            writer.writeBigEndian(mode)
        case .part(let transfer, let offset, let bytes):
            writer.writeBigEndian(transfer)
            writer.writeBigEndian(offset)
            writer.write(bytes.prefix(Self.partLength))
        case .take(let path, let node, let seen):
            writer.write(text: path, limit: Announcement.pathLimit)
            writer.writeBigEndian(node)
            let list = seen.sorted { $0.key < $1.key }.prefix(Self.directorLimit)
            writer.writeBigEndian(UInt16(list.count))
            for (node, digest) in list {
                writer.writeBigEndian(node)
                writer.write(digest.bytes)
            }
        }
        writer.patchBigEndian(UInt32(writer.bytes.count), at: 8)
        writer.patchBigEndian(CRC32C.checksum(writer.bytes), at: 12)
        return writer.bytes
    }

    private var kind: UInt8 {
        switch body {
        case .state: 1
        case .fetch: 2
        case .begin: 3
        case .part: 4
        case .take: 5
        }
    }

    /// Reads a message; every length is checked, nothing in it is believed but its checksum.
    public init(decoding bytes: [UInt8]) throws(Malformed) {
        guard bytes.count >= Self.headerLength else {
            throw .truncated
        }
        var reader = ByteReader(bytes)
        guard reader.readBigEndian(UInt32.self) == Self.magic else {
            throw .foreign
        }
        guard let major = reader.readBigEndian(UInt8.self), reader.skip(1),
            let kind = reader.readBigEndian(UInt8.self), reader.skip(1),
            let length = reader.readBigEndian(UInt32.self), let checksum = reader.readBigEndian(UInt32.self),
            let node = reader.readBigEndian(NodeID.self), reader.skip(4),
            let incarnation = reader.readBigEndian(UInt64.self)
        else {
            throw .truncated
        }
        guard major == 1 else {
            throw .version(major)
        }
        guard Int(length) == bytes.count, bytes.count <= Self.limit else {
            throw .length
        }
        guard CRC32C.checksum(bytes[..<12] + [0, 0, 0, 0] + bytes[16...]) == checksum else {
            throw .checksum
        }
        guard let body = Self.body(kind, &reader), reader.remaining == 0 else {
            throw .content
        }
        self.init(node: node, incarnation: incarnation, body: body)
    }

    private static func body(_ kind: UInt8, _ reader: inout ByteReader) -> MessageBody? {
        switch kind {
        case 1: return reader.readAnnouncement().map(MessageBody.state)
        case 2:
            guard let path = reader.readText(), let from = reader.readBigEndian(NodeID.self),
                let version = reader.readVersionID()
            else {
                return nil
            }
            return .fetch(path: path, from: from, version: version)
        case 3:
            guard let path = reader.readText(), let transfer = reader.readBigEndian(UInt64.self),
                let version = reader.readVersionID(), let size = reader.readBigEndian(UInt32.self),
                let mode = reader.readBigEndian(UInt16.self), size <= fileLimit
            else {
                return nil
            }
            return .begin(path: path, transfer: transfer, version: version, size: size, mode: mode)
        case 4:
            guard let transfer = reader.readBigEndian(UInt64.self), let offset = reader.readBigEndian(UInt32.self),
                let run = reader.read(reader.remaining), !run.isEmpty, run.count <= partLength,
                Int(offset) + run.count <= fileLimit
            else {
                return nil
            }
            return .part(transfer: transfer, offset: offset, bytes: Array(run))
        case 5:
            guard let path = reader.readText(), let node = reader.readBigEndian(NodeID.self),
                let count = reader.readBigEndian(UInt16.self), count <= directorLimit
            else {
                return nil
            }
            var seen: [NodeID: ContentDigest] = [:]
            for _ in 0..<count {
                guard let node = reader.readBigEndian(NodeID.self), let digest = reader.readDigest() else {
                    return nil
                }
                seen[node] = digest
            }
            return .take(path: path, node: node, seen: seen)
        default: return nil
        }
    }
}

extension ByteWriter {
    /// A text of at most `limit` bytes with its length before it; one that is longer is cut between two characters.
    fileprivate mutating func write(text: String, limit: Int) {
        let bytes = Array(text.utf8.prefix(limit))
        // A cut within a character would be read as another text.
        let whole =
            bytes.count < text.utf8.count ? Array(String(decoding: bytes, as: UTF8.self).dropLast().utf8) : bytes
        writeBigEndian(UInt16(whole.count))
        write(whole)
    }

    fileprivate mutating func write(_ announcement: Announcement) {
        write(text: announcement.path, limit: Announcement.pathLimit)
        write(text: announcement.name, limit: Announcement.pathLimit)
        write(text: announcement.problem, limit: Announcement.textLimit)
        write(text: announcement.refusal, limit: Announcement.textLimit)
        write(text: announcement.reload, limit: Announcement.textLimit)
        writeOptional(announcement.refused?.bytes)
        writeOptional(announcement.holding.content?.bytes)
        guard let head = announcement.holding.head else {
            return write([0])
        }
        write([1])
        writeBigEndian(head.version.number)
        writeBigEndian(head.version.node)
        write(head.version.content.bytes)
        writeOptional(head.version.parent?.bytes)
        writeBigEndian(UInt16(head.ancestry.count))
        head.ancestry.forEach { write($0.bytes) }
        writeBigEndian(UInt16(head.settled.count))
        head.settled.forEach { write($0.bytes) }
    }

    private mutating func writeOptional(_ bytes: [UInt8]?) {
        write([bytes == nil ? 0 : 1])
        write(bytes ?? [])
    }
}

extension ByteReader {
    fileprivate mutating func readText() -> String? {
        guard let length = readBigEndian(UInt16.self), length <= Announcement.textLimit, let run = read(Int(length))
        else {
            return nil
        }
        return String(decoding: run, as: UTF8.self)
    }

    fileprivate mutating func readVersionID() -> VersionID? { read(VersionID.length).flatMap { VersionID($0) } }

    fileprivate mutating func readDigest() -> ContentDigest? {
        read(ContentDigest.length).flatMap { ContentDigest($0) }
    }

    /// A value that may be missing: the outer nil is a broken message.
    private mutating func readOptional<Value>(_ read: (inout ByteReader) -> Value?) -> Value?? {
        switch readBigEndian(UInt8.self) {
        case 0: return .some(nil)
        case 1: return read(&self).map { .some($0) }
        default: return nil
        }
    }

    private mutating func readList<Value>(limit: Int, _ read: (inout ByteReader) -> Value?) -> [Value]? {
        guard let count = readBigEndian(UInt16.self), count <= limit else {
            return nil
        }
        var list: [Value] = []
        for _ in 0..<count {
            guard let value = read(&self) else {
                return nil
            }
            list.append(value)
        }
        return list
    }

    private mutating func readHead() -> Head? {
        guard let number = readBigEndian(UInt64.self), let node = readBigEndian(NodeID.self),
            let content = readDigest(), let parent = readOptional({ $0.readVersionID() }),
            let ancestry = readList(limit: Head.ancestryLimit, { $0.readVersionID() }),
            let settled = readList(limit: Head.settledLimit, { $0.readDigest() })
        else {
            return nil
        }
        let version = ConfigVersion(number: number, node: node, content: content, parent: parent)
        return Head(version, ancestry: ancestry, settled: settled)
    }

    fileprivate mutating func readAnnouncement() -> Announcement? {
        guard let path = readText(), let name = readText(), let problem = readText(), let refusal = readText(),
            let reload = readText(), let refused = readOptional({ $0.readVersionID() }),
            let content = readOptional({ $0.readDigest() }), let head = readOptional({ $0.readHead() })
        else {
            return nil
        }
        return Announcement(
            path: path,
            name: name,
            holding: Holding(head: head, content: content),
            problem: problem,
            refused: refused,
            refusal: refusal,
            reload: reload
        )
    }
}
