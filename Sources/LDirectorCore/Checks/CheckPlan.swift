// SPDX-License-Identifier: Apache-2.0
public import HealthChecks
import LDirectorConfig
import LinuxKit

/// What is done to a server, how often; servers with equal plans, in whatever virtual, are checked once for all.
public struct CheckPlan: Hashable, Sendable {
    /// The probe of the first turn and of the turn after a failure.
    public var first: Probe

    /// The probe of the turns between two of `first`, and how many there are; nil when every turn is the same.
    public var between: Between?

    /// Time from the start of a check to the start of the next.
    public var interval: Duration

    /// Whether a connection to the server is held between checks, whose end calls for a check at once.
    public var holdsConnection = false

    /// The connects of a combined check.
    public struct Between: Hashable, Sendable {
        /// What is done in these turns.
        public var probe: Probe
        /// How many follow each success of the first probe.
        public var count: Int
    }

    /// Cheap, as every result looks its plan up; equality compares everything.
    public func hash(into hasher: inout Hasher) { hasher.combine(first) }

    /// The probe of a turn, 0 being the first.
    public func probe(turn: Int) -> Probe {
        guard let between, turn > 0 else {
            return first
        }
        return between.probe
    }

    /// The turn that follows `turn`.
    public func turn(after turn: Int, _ outcome: CheckOutcome) -> Int {
        guard let between, outcome == .up else {
            return 0
        }
        return turn >= between.count ? 0 : turn + 1
    }
}

/// How the state of one real server comes about.
public enum CheckPolicy: Hashable, Sendable {
    /// By checks; a reference, as states are kept and moved by the ten thousand.
    indirect case checked(CheckPlan)
    /// It counts as up without a check (`checktype=on`, or `service=none`).
    case alwaysUp
    /// It keeps the state it was found in (`checktype=off`).
    case untouched
}
