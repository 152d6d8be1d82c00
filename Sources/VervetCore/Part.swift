// SPDX-License-Identifier: Apache-2.0

/// What one part of a director said, or why it said nothing.
public enum Part<Value: Sendable>: Sendable {
    /// It does not run here.
    case notRunning
    /// It runs, but did not answer in time, or nothing that is understood.
    case silent(String)
    /// Its answer.
    case value(Value)

    /// The answer, if there is one.
    public var value: Value? {
        guard case .value(let value) = self else {
            return nil
        }
        return value
    }

    /// Why there is no answer, in a few words.
    public var absence: String? {
        switch self {
        case .notRunning: "not running"
        case .silent(let reason): reason
        case .value: nil
        }
    }
}
