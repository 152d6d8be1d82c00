// SPDX-License-Identifier: Apache-2.0

/// A logical line cut into its name and its value, not yet judged.
struct RawDirective {
    let line: LogicalLine

    /// The first word of the line, up to white space or `=`.
    let name: Token

    /// What stands after `=`, without blanks at both ends; nil when there is no `=`.
    let value: Token?

    init(_ line: LogicalLine) {
        self.line = line
        name = Self.name(of: line.content)
        value = Self.value(of: line.content)
    }

    static func name(of line: Token) -> Token {
        line.drop(while: \.isBlank).prefix { !$0.isBlank && $0 != UInt8(ascii: "=") }
    }

    static func value(of line: Token) -> Token? {
        let rest = line.suffix(from: name(of: line).bytes.endIndex).drop(while: \.isBlank)
        return rest.starts(with: "=") ? rest.dropFirst().trimmed : nil
    }
}
