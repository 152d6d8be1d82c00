// SPDX-License-Identifier: Apache-2.0

/// What one check of a server found.
public enum CheckOutcome: Hashable, Sendable, CustomStringConvertible {
    /// The server answered as it should.
    case up
    /// It did not; the text tells an operator why ("connection refused").
    case down(String)

    /// "ok", or why not.
    public var description: String {
        switch self {
        case .up: "ok"
        case .down(let reason): reason
        }
    }
}

/// An outcome, the time that it took, and what else the check has to say.
public struct CheckResult: Hashable, Sendable {
    /// What was found.
    public let outcome: CheckOutcome

    /// From the start of the check to the decision.
    public let duration: Duration

    /// The weight that the check gave the server; nil when it gave none.
    public let weight: Int?

    /// Joins them.
    public init(_ outcome: CheckOutcome, duration: Duration, weight: Int? = nil) {
        self.outcome = outcome
        self.duration = duration
        self.weight = weight
    }
}
