// SPDX-License-Identifier: Apache-2.0

/// Something wrong in a configuration file, with its place.
public struct ConfigurationDiagnostic: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file as it was named.
    public var file: String

    /// Line from 1; 0 when the whole file is meant.
    public var line: Int

    /// Column in bytes from 1.
    public var column: Int

    /// What is wrong and what would be right.
    public var message: String

    /// The line itself; empty when the whole file is meant.
    public var source: String

    /// `file:line:column: error: message`, then the line and a caret below the place.
    public var description: String {
        guard line > 0 else {
            return "\(file): error: \(message)"
        }
        let indent = source.utf8.prefix(column - 1).map { $0 == 0x09 ? "\t" : " " }.joined()
        return "\(file):\(line):\(column): error: \(message)\n    \(source)\n    \(indent)^"
    }
}

/// All that is wrong in a configuration file.
public struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    /// In the order of the file, at least one.
    public let diagnostics: [ConfigurationDiagnostic]

    /// One diagnostic after the other.
    public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}
