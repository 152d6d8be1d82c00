// SPDX-License-Identifier: Apache-2.0

/// A place in a file: 1-based line and column, counted in bytes.
public struct SourceSpan: Sendable, Hashable {
    /// The name of the file as the user gave it.
    public var file: String

    /// 1-based line.
    public var line: Int

    /// 1-based column in bytes.
    public var column: Int

    /// Bytes covered; 0 is a place between two bytes.
    public var length: Int

    /// Names a place.
    public init(file: String, line: Int, column: Int, length: Int) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
    }
}

/// One finding in a file, as data; ``DiagnosticRenderer`` turns it into text.
public struct Diagnostic: Sendable, Hashable {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable {
        /// The file cannot be used.
        case error
        /// The file is used, but probably not as meant.
        case warning
    }

    /// A remark that explains a finding, perhaps at another place.
    public struct Note: Sendable, Hashable {
        /// The place, if there is one.
        public var span: SourceSpan?

        /// One sentence without a full stop.
        public var message: String

        /// Joins a message and a place.
        public init(_ message: String, at span: SourceSpan? = nil) {
            self.message = message
            self.span = span
        }
    }

    /// A stable name of the kind of finding, for tests and filters.
    public var id: DiagnosticID

    /// How bad it is.
    public var severity: Severity

    /// Where it is.
    public var span: SourceSpan

    /// One sentence without a full stop.
    public var message: String

    /// Explanations.
    public var notes: [Note]

    /// Describes a finding.
    public init(
        _ id: DiagnosticID,
        _ severity: Severity,
        at span: SourceSpan,
        _ message: String,
        notes: [Note] = []
    ) {
        self.id = id
        self.severity = severity
        self.span = span
        self.message = message
        self.notes = notes
    }
}
