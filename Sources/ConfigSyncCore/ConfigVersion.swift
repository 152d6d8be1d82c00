// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Corosync's number of a director.
public typealias NodeID = UInt32

/// Names one version for ever: the first 16 bytes of the SHA-256 of all that it says.
public struct VersionID: Hashable, Sendable, Comparable {
    /// Length in bytes.
    public static let length = 16

    /// The 16 bytes.
    public let bytes: [UInt8]

    /// Takes a name as it was stored; nil unless it has 16 bytes.
    public init?(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
        guard self.bytes.count == Self.length else {
            return nil
        }
    }

    fileprivate init(of message: [UInt8]) {
        bytes = Array(ContentDigest(of: message).bytes.prefix(Self.length))
    }

    /// An order without meaning that is the same everywhere.
    public static func < (one: VersionID, other: VersionID) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }
}

/// One version of a file: which one, who wrote it, its content, and what it was made from.
public struct ConfigVersion: Hashable, Sendable, CustomStringConvertible {
    /// One more than the number of the version it was made from.
    public let number: UInt64

    /// The director on which it was edited.
    public let node: NodeID

    /// The digest of the file's bytes.
    public let content: ContentDigest

    /// The version it was made from; nil for the first.
    public let parent: VersionID?

    /// Its name.
    public let id: VersionID

    /// Describes a version.
    public init(number: UInt64, node: NodeID, content: ContentDigest, parent: VersionID?) {
        self.number = number
        self.node = node
        self.content = content
        self.parent = parent
        var writer = ByteWriter(reservingCapacity: 64)
        writer.writeBigEndian(number)
        writer.writeBigEndian(node)
        writer.write(content.bytes)
        writer.write(parent?.bytes ?? [])
        id = VersionID(of: writer.bytes)
    }

    /// Number and content, for people: `7 (3fa90c11)`.
    public var description: String { "\(number) (\(content.short))" }
}
