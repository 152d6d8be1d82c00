// SPDX-License-Identifier: Apache-2.0

/// The version that a director has, with the versions before it, so that anybody can tell an older one from another one.
public struct Head: Hashable, Sendable {
    /// The most versions before it that are kept: who missed more edits than that is asked, not overwritten.
    public static let ancestryLimit = 256

    /// The most contents that one decision can settle.
    public static let settledLimit = 16

    /// The version.
    public let version: ConfigVersion

    /// The versions that it replaces, the newest first.
    public let ancestry: [VersionID]

    /// Contents that an operator decided to give up for this version.
    public let settled: [ContentDigest]

    /// Its name.
    public var id: VersionID { version.id }

    /// Puts together what was stored; what is beyond the limits is left out.
    public init(_ version: ConfigVersion, ancestry: [VersionID], settled: [ContentDigest] = []) {
        self.version = version
        self.ancestry = Array(ancestry.prefix(Self.ancestryLimit))
        self.settled = Array(settled.prefix(Self.settledLimit))
    }

    /// The version that an edit makes of another one, or the first one of a file.
    public static func edit(of former: Head?, content: ContentDigest, node: NodeID) -> Head {
        Head(
            ConfigVersion(
                number: (former?.version.number ?? 0) + 1,
                node: node,
                content: content,
                parent: former?.id
            ),
            ancestry: former.map { [$0.id] + $0.ancestry } ?? []
        )
    }

    /// The version by which an operator settles a conflict: this content goes on, and replaces all others.
    ///
    /// - Parameters:
    ///   - content: What shall be everywhere.
    ///   - own: The version of the director that has it.
    ///   - others: What the others have.
    ///   - contents: What the operator saw in the files of all.
    ///   - node: The director that has the content.
    /// - Returns: The version. Its number is above that of any version that an edit under way on another director may become.
    public static func settlement(
        _ content: ContentDigest,
        own: Head?,
        others: [Holding],
        contents: [ContentDigest],
        node: NodeID
    ) -> Head {
        let heads = [own].compactMap { $0 } + others.compactMap(\.head).sorted { $0.id < $1.id }
        let numbers = [own?.version.number ?? 0] + others.map(\.numberWhenShared)
        let number = (numbers.max() ?? 0) + 1
        var seen: Set<VersionID> = []
        var ancestry: [VersionID] = []
        // Every version that somebody has comes first: the limit must not cut off one of those.
        for id in heads.map(\.id) + heads.flatMap(\.ancestry) where seen.insert(id).inserted {
            ancestry.append(id)
        }
        return Head(
            ConfigVersion(number: number, node: node, content: content, parent: own?.id),
            ancestry: ancestry,
            settled: Array(Set(contents).subtracting([content])).sorted { $0.description < $1.description }
        )
    }

    /// The one of two versions with the same content that everybody goes on with, and the history of both.
    public func united(with other: Head) -> Head {
        let isOurs = (version.number, id) > (other.version.number, other.id)
        let (winner, loser) = isOurs ? (self, other) : (other, self)
        var seen: Set<VersionID> = [winner.id]
        let ancestry = ([loser.id] + winner.ancestry + loser.ancestry).filter { seen.insert($0).inserted }
        return Head(winner.version, ancestry: ancestry, settled: winner.settled)
    }

    /// Whether this version was made from `other`, directly or not, or is that version.
    public func includes(_ other: VersionID) -> Bool { id == other || ancestry.contains(other) }
}
