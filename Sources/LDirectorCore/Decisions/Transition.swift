// SPDX-License-Identifier: Apache-2.0

/// What was decided about one server.
public struct Transition: Sendable, Equatable {
    /// What was decided.
    public enum Kind: Sendable, Equatable {
        /// It counts as up from now on.
        case up
        /// It counts as down from now on.
        case down
        /// It is up with another weight than before.
        case weight(Int)
        /// It was drained for as long as was allowed, and leaves the table.
        case drained
        /// It failed, but not often enough: the n-th of m.
        case softFailure(Int, of: Int)
        /// It answers again after so many soft failures.
        case reset(after: Int)
        /// It is down and answers again, but not often enough: the n-th of m.
        case rising(Int, of: Int)
        /// It recovered and waits so long before it is used.
        case warmingUp(Duration)
        /// It failed, but stays in use: checks may take out only so many percent of the servers.
        case retained(percent: Int)
    }

    /// What was decided.
    public var kind: Kind

    /// The real server.
    public var server: ServerID

    /// Why.
    public var reason: String

    /// Whether the kernel's table is concerned.
    public var concernsTable: Bool {
        switch kind {
        case .up, .down, .weight, .drained: true
        case .softFailure, .reset, .rising, .warmingUp, .retained: false
        }
    }
}
