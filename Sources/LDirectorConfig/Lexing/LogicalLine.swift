// SPDX-License-Identifier: Apache-2.0

/// A line that says something: neither empty nor a comment.
struct LogicalLine {
    /// Which directives may stand on the line.
    enum Scope {
        case global
        case block
    }

    /// Why an indented line is not where it should be.
    enum Fault {
        /// Inside a block, but by fewer than four columns.
        case shallow(columns: Int)
        /// The block was ended by an empty line.
        case afterEmptyLine(Int)
        /// There is no block; only the first of a run of such lines is kept.
        case noBlock
    }

    let scope: Scope

    /// Set when the line is in error; a faulty line still carries the scope it was meant for.
    let fault: Fault?

    /// From the first non-blank byte to the last, without a comment.
    let content: Token

    /// Blanks or a carriage return stood after the content.
    let hasTrailingBlanks: Bool

    /// A `#` stood inside quotes of a block line, where the Perl program cut.
    let quotesHash: Bool

    /// A comment stood after the content of a global line, which the Perl program took as part of the value.
    let hasGlobalComment: Bool
}
