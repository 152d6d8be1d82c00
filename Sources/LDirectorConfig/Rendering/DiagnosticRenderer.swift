// SPDX-License-Identifier: Apache-2.0

/// Renders diagnostics as `file:line:column: error: message`, with the source line and a caret.
public struct DiagnosticRenderer: Sendable {
    /// The most characters of a source line that are shown.
    private static let widest = 160

    private let lines: [ArraySlice<UInt8>]

    /// Makes a renderer for findings in `source`, the bytes that were parsed.
    public init(source: [UInt8]) {
        lines = source.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    }

    /// All findings, each ending in a newline.
    public func render(_ diagnostics: [Diagnostic]) -> String {
        diagnostics.map(render).joined()
    }

    /// One finding with its notes, ending in a newline.
    public func render(_ diagnostic: Diagnostic) -> String {
        var text = Self.header(diagnostic.span, diagnostic.severity.rawValue, diagnostic.message)
        text += snippet(diagnostic.span)
        for note in diagnostic.notes {
            text += Self.header(note.span ?? diagnostic.span, "note", note.message)
            if let span = note.span {
                text += snippet(span)
            }
        }
        return text
    }

    /// The first line of a finding, without the source.
    public static func summary(_ diagnostic: Diagnostic) -> String {
        String(header(diagnostic.span, diagnostic.severity.rawValue, diagnostic.message).dropLast())
    }

    private static func header(_ span: SourceSpan, _ kind: String, _ message: String) -> String {
        "\(span.file):\(span.line):\(span.column): \(kind): \(message)\n"
    }

    private func snippet(_ span: SourceSpan) -> String {
        guard lines.indices.contains(span.line - 1) else {
            return ""
        }
        let line = lines[span.line - 1]
        let start = min(line.startIndex + span.column - 1, line.endIndex)
        let end = min(start + span.length, line.endIndex)
        var before = Self.visible(line[..<start])
        let marked = Self.visible(line[start..<end])
        var after = Self.visible(line[end...])
        while after.last == " " || after.last == "\t" {
            after.removeLast()
        }
        // A long line is shown from a little before the place.
        if before.count + marked.count + after.count > Self.widest {
            let kept = Self.widest / 4
            if before.count > kept {
                before = Array("...") + before.suffix(kept)
            }
        }
        let shown = (before + marked + after).prefix(Self.widest)
        let indent = before.map { $0 == "\t" ? "\t" : " " as Character }
        let underline = String(repeating: "~", count: max(0, min(marked.count, Self.widest - before.count) - 1))
        return "\(String(shown))\n\(String(indent))^\(underline)\n"
    }

    /// The bytes as characters of one column each, TABs kept.
    private static func visible(_ bytes: ArraySlice<UInt8>) -> [Character] {
        String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
            scalar == "\t" ? "\t" : scalar.value < 32 || scalar.value == 127 ? "?" : Character(scalar)
        }
    }
}
