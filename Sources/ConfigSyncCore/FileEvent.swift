// SPDX-License-Identifier: Apache-2.0

/// A point in time, as the time since some fixed moment; only differences count.
public typealias Moment = Duration

/// What was found on the disk.
public struct Inspection: Hashable, Sendable {
    /// The bytes; nil when there is no file.
    public var content: [UInt8]?

    /// Why it cannot be read or sent; nil when it can.
    public var problem: String?

    /// What the parser refuses, one line each; empty when it is good.
    public var errors: [String]

    /// Whether nobody has written to it for a moment, so that it is not half of an edit.
    public var isSettled: Bool

    /// Permissions of the file.
    public var mode: UInt16

    /// Describes a file that was found.
    public init(
        content: [UInt8]?,
        problem: String? = nil,
        errors: [String] = [],
        isSettled: Bool = true,
        mode: UInt16 = 0o644
    ) {
        self.content = content
        self.problem = problem
        self.errors = errors
        self.isSettled = isSettled
        self.mode = mode
    }
}

/// What is done on the disk, one at a time for a file; every job is answered by its result.
public enum FileJob: Hashable, Sendable {
    /// Reads the file, and lets the parser judge it unless its digest is one of `judged`.
    case inspect(judged: Set<ContentDigest>)

    /// Remembers a version over a restart.
    case save(Head)

    /// Judges the bytes, puts them in place of the file if that is still what is expected, remembers the version, reloads.
    case apply(Head, bytes: [UInt8], expected: ContentDigest?, mode: UInt16, discards: Bool)

    /// Lets ldirectord read the file again.
    case reload
}

/// How a job ended.
public enum FileJobResult: Hashable, Sendable {
    /// What was found.
    case inspected(Inspection)

    /// The version is remembered, or why it is not.
    case saved(problem: String?)

    /// The file is in place; why ldirectord does not use it, if it does not.
    case applied(reload: String?)

    /// The parser refuses the bytes; nothing was changed.
    case refused([String])

    /// The file is not what was expected: somebody has edited it meanwhile. Nothing was changed.
    case overtaken

    /// The disk refuses; the file is as it was.
    case failed(String)

    /// Why ldirectord does not use the file; nil when it does, or none runs.
    case reloaded(problem: String?)
}

/// What happens to a file and to the group.
public enum FileEvent: Hashable, Sendable {
    /// We are in the group, as this node with this name.
    case joined(node: NodeID, name: String)

    /// Who is in the group, and who of them has just come.
    case members(Set<NodeID>, joined: Set<NodeID>)

    /// The cluster is out of reach, and why.
    case lost(String)

    /// A message of a member, ours included.
    case message(Message)

    /// A job ended.
    case done(FileJobResult)

    /// Somebody wants to know that the file is everywhere.
    case publish(token: UInt64)

    /// An operator settles a conflict: the content of this director goes on.
    case take(token: UInt64, NodeID)

    /// Time passed.
    case tick
}

/// How worth reading a line of the log is.
public enum Severity: Hashable, Sendable {
    /// What happens in the course of things.
    case notice
    /// What somebody should look at.
    case warning
    /// What somebody has to do something about.
    case error
}

/// What a caller is told.
public struct Verdict: Hashable, Sendable {
    /// How it went, as the exit status of a program.
    public enum Outcome: Int, Sendable {
        /// Every director that is there has the file.
        case everywhere = 0
        /// Not every director has it.
        case incomplete = 1
        /// The file has errors and was not sent.
        case invalid = 2
        /// Another director has another edit: somebody has to decide.
        case conflict = 4
    }

    /// How it went.
    public let outcome: Outcome

    /// One line or more, for people.
    public let text: String

    /// Puts an answer together.
    public init(_ outcome: Outcome, _ text: String) {
        self.outcome = outcome
        self.text = text
    }
}

/// What the machine wants done.
public enum FileEffect: Hashable, Sendable {
    /// Tell all members.
    case send(MessageBody)

    /// Do this on the disk.
    case run(FileJob)

    /// Answer who asked.
    case answer(token: UInt64, Verdict)

    /// Write a line.
    case log(Severity, String)
}
