// SPDX-License-Identifier: Apache-2.0

/// What a director has of a file: the version it knows of, and what really is on its disk.
public struct Holding: Hashable, Sendable {
    /// The last version that it shared or took; nil when there was none yet.
    public var head: Head?

    /// The digest of the file; nil when there is no file, or it cannot be read.
    public var content: ContentDigest?

    /// Describes a holding.
    public init(head: Head? = nil, content: ContentDigest? = nil) {
        self.head = head
        self.content = content
    }

    /// Whether the file is what the version says.
    public var isClean: Bool { head != nil && head?.version.content == content }

    /// The number of the version, or of the one that the edit on top of it becomes.
    var numberWhenShared: UInt64 {
        let number = head?.version.number ?? 0
        return isClean || content == nil ? number : number + 1
    }

    /// Whether `offer` may replace what is here without losing anything that nobody has decided to give up.
    public func canTake(_ offer: Head) -> Bool {
        guard offer.id != head?.id else {
            // The version is known, only its content is gone.
            return content == nil
        }
        let isSuccessor = head.map { offer.includes($0.id) } ?? true
        guard let content else {
            return isSuccessor
        }
        guard !isSuccessor else {
            return isClean || content == offer.version.content || offer.settled.contains(content)
        }
        // An edit that the operator gave up may have become a version here before the decision was one: the same bytes.
        // Only a higher number is taken, or two directors with a decision each could exchange their files for ever.
        return isClean && offer.settled.contains(content) && offer.version.number > head?.version.number ?? 0
    }

    /// Whether this has the other one's version in its past, and an edit on top that is no version yet.
    fileprivate func isBeing(editedAfter other: Holding) -> Bool {
        guard let head, !isClean, content != nil else {
            return false
        }
        return other.head.map { head.includes($0.id) && other.isClean } ?? (other.content == nil)
    }

    /// Whether both have the same bytes under different versions.
    public func isEqual(to offer: Head) -> Bool {
        offer.id != head?.id && isClean && content == offer.version.content
    }
}

/// How what a director has compares with what another one has.
public enum Standing: Hashable, Sendable {
    /// The same version, and the same bytes; or neither has anything.
    case level
    /// The other one has a newer version, which can be taken.
    case behind
    /// The other one can take ours.
    case ahead
    /// The same bytes under different versions.
    case equal
    /// One of the two has an edit that is not a version yet, and the other one nothing new.
    case editing
    /// Both have something that the other one must not overwrite.
    case diverged

    /// Compares two directors.
    public init(of own: Holding, to other: Holding) {
        if own.head?.id == other.head?.id {
            self = Self.sameVersion(own, other)
        } else if let head = other.head, own.isEqual(to: head), other.isClean {
            self = .equal
        } else if let head = other.head, other.isClean, own.canTake(head) {
            self = .behind
        } else if let head = own.head, own.isClean, other.canTake(head) {
            self = .ahead
        } else if own.isBeing(editedAfter: other) || other.isBeing(editedAfter: own) {
            self = .editing
        } else {
            self = .diverged
        }
    }

    private static func sameVersion(_ own: Holding, _ other: Holding) -> Standing {
        guard own.content != other.content else {
            return own.head == nil || own.isClean ? .level : .editing
        }
        if own.content == nil, other.isClean {
            return .behind
        }
        return other.content == nil && own.isClean ? .ahead : .editing
    }
}
