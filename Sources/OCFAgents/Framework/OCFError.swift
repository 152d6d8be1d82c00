// SPDX-License-Identifier: Apache-2.0

/// Why an action failed: the exit code and the one line that the administrator reads in `crm_mon`.
public struct OCFError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The exit code of the agent.
    public let code: OCFExit

    /// What failed, on what, why, and what to do, in one line.
    public let reason: String

    /// Joins a code and a reason.
    public init(_ code: OCFExit, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// The reason.
    public var description: String { reason }

    /// The same reason with another code, where an action reports a failure differently.
    public func with(_ code: OCFExit) -> OCFError { OCFError(code, reason) }
}
