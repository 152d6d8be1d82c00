// SPDX-License-Identifier: Apache-2.0

/// The kinds of findings in a configuration file.
public enum DiagnosticID: String, Sendable, Hashable, CaseIterable {
    // The form of a line.
    case encoding
    case unknownDirective
    case misplacedDirective
    case obsoleteDirective
    case unusedDirective
    case missingValue
    case leftover
    case needsQuotes
    case notCompatible

    // Values.
    case badNumber
    case droppedText
    case badWord
    case badPattern
    case badAddress
    case badPort
    case badMark
    case unresolved

    // Lines against each other.
    case family
    case duplicate
    case noEffect

    // Correct, but not available.
    case unsupported
}
