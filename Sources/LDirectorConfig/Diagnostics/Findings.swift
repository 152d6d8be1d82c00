// SPDX-License-Identifier: Apache-2.0

/// Collects what is found while one file is read; never leaves the parser.
final class Findings {
    private struct Relaxation {
        let token: Token
        let what: String
    }

    let file: String
    private var diagnostics: [Diagnostic] = []
    private var relaxations: [Relaxation] = []

    init(file: String) {
        self.file = file
    }

    func span(_ token: Token) -> SourceSpan { token.span(in: file) }

    func error(_ id: DiagnosticID, _ token: Token, _ message: String, notes: [Diagnostic.Note] = []) {
        diagnostics.append(Diagnostic(id, .error, at: span(token), message, notes: notes))
    }

    func warning(_ id: DiagnosticID, _ token: Token, _ message: String, notes: [Diagnostic.Note] = []) {
        diagnostics.append(Diagnostic(id, .warning, at: span(token), message, notes: notes))
    }

    /// Remembers something that the Perl program refuses; only an error in a file that says `compat=legacy`.
    func relaxed(_ token: Token, _ what: String) {
        relaxations.append(Relaxation(token: token, what: what))
    }

    /// Everything found, by line and column, in the order found where these agree.
    func sorted(refusingRelaxations: Bool) -> [Diagnostic] {
        var all = diagnostics
        if refusingRelaxations {
            all += relaxations.map {
                Diagnostic(.notCompatible, .error, at: span($0.token), "\($0.what) is not legal with compat=legacy")
            }
        }
        return all.enumerated()
            .sorted {
                ($0.element.span.line, $0.element.span.column, $0.offset)
                    < ($1.element.span.line, $1.element.span.column, $1.offset)
            }
            .map(\.element)
    }
}
