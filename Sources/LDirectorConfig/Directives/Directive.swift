// SPDX-License-Identifier: Apache-2.0

/// Where a directive may stand.
public enum DirectiveScope: Sendable, Hashable {
    /// In the first column, outside of blocks.
    case global
    /// Indented, below a `virtual` or `virtual6` line.
    case block
    /// In both places; the block overrides the global line.
    case both

    func allows(_ scope: LogicalLine.Scope) -> Bool {
        switch (self, scope) {
        case (.both, _), (.global, .global), (.block, .block): true
        default: false
        }
    }
}

/// One row of the table of directives, shared by the parser, the help text and the renderer.
public struct Directive: Sendable, Hashable {
    /// The word.
    public let name: DirectiveName

    /// Where it may stand.
    public let scope: DirectiveScope

    /// What its value looks like.
    public let grammar: ValueGrammar

    /// What holds when it is not written, as a user would write it; empty for nothing.
    public let defaultText: String

    /// One sentence on what it does.
    public let summary: String

    /// Whether the Perl program does not know the word; a file with `compat=legacy` must not use it.
    public let isExtension: Bool

    init(
        _ name: DirectiveName,
        _ scope: DirectiveScope,
        _ grammar: ValueGrammar,
        default defaultText: String = "",
        _ summary: String,
        isExtension: Bool = false
    ) {
        self.name = name
        self.scope = scope
        self.grammar = grammar
        self.defaultText = defaultText
        self.summary = summary
        self.isExtension = isExtension
    }

    /// Whether nothing may stand after the `=`; it then means the same as not writing the line.
    var mayBeEmpty: Bool {
        switch name {
        case .emailalertstatus, .virtualhost, .servicename, .comment, .fallback, .fallback6: true
        case .connecttimeout, .timeout: true
        default: false
        }
    }
}
