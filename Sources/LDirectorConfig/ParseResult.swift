// SPDX-License-Identifier: Apache-2.0

/// What reading a file gave: a configuration unless there was an error, and everything worth saying about it.
public struct ParseResult: Sendable, Hashable {
    /// The validated configuration; nil when any diagnostic is an error.
    public var configuration: Configuration?

    /// All findings, ordered by line and column.
    public var diagnostics: [Diagnostic]

    /// The findings that make the file unusable.
    public var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }

    /// The findings that do not.
    public var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }
}
