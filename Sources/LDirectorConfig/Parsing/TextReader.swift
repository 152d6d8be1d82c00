// SPDX-License-Identifier: Apache-2.0

/// Reads texts with their quotes and their bytes.
struct TextReader {
    let findings: Findings

    /// The part of `token` that is the text, after the rule for quotes; nil after an error.
    func unquoted(_ token: Token, for name: Token, _ quotes: ValueGrammar.Quotes) -> Token? {
        guard quotes != .verbatim, token.starts(with: "\"") else {
            switch quotes {
            case .required:
                findings.error(.needsQuotes, token, "the value of \(name.quoted) must be in double quotes")
                return nil
            case .expected:
                findings.relaxed(token, "\(name.quoted) without double quotes")
            case .optional, .verbatim:
                break
            }
            return token
        }
        // From the first quote to the last one: there is no escape, inner quotes are part of the text.
        guard let last = token.lastIndex(of: "\""), last > token.bytes.startIndex else {
            guard quotes == .optional else {
                findings.error(.needsQuotes, token, "the closing double quote is missing")
                return nil
            }
            findings.warning(.needsQuotes, token, "the closing double quote is missing; the first one is taken as text")
            return token
        }
        let rest = token.suffix(from: last + 1).trimmed
        if !rest.isEmpty {
            findings.warning(.droppedText, rest, "\(rest.quoted) after the closing quote is ignored")
        }
        return token[token.bytes.startIndex + 1..<last]
    }

    /// The text of `token`, which must be UTF-8 without NUL and not be empty.
    func text(_ token: Token, for name: Token) -> String? {
        guard !token.isEmpty else {
            findings.error(.missingValue, token, "\(name.quoted) has an empty value")
            return nil
        }
        guard checksNUL(token), let text = token.text else {
            findings.error(.encoding, token, "the value of \(name.quoted) is not UTF-8 text")
            return nil
        }
        return text
    }

    /// Free text for people: bytes that are not UTF-8 are taken for ISO 8859-1, which old files are written in.
    func freeText(_ token: Token, for name: Token) -> String? {
        guard token.text == nil, !token.bytes.contains(0) else {
            return text(token, for: name)
        }
        findings.warning(.encoding, token, "the value of \(name.quoted) is not UTF-8 and is read as ISO 8859-1")
        return String(String.UnicodeScalarView(token.expandedBytes.map(Unicode.Scalar.init)))
    }

    /// A regular expression on bytes: a byte that is not part of UTF-8 text is written as its hexadecimal escape, which
    /// matches the same byte.
    func pattern(_ token: Token) -> String? {
        guard checksNUL(token) else {
            findings.error(.encoding, token, "a regular expression cannot contain a NUL byte; write \\0")
            return nil
        }
        if let text = token.text {
            return text
        }
        let hex = Array("0123456789abcdef")
        return token.expandedBytes.reduce(into: "") { result, byte in
            if byte < 0x80 {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "\\x\(hex[Int(byte >> 4)])\(hex[Int(byte & 15)])"
            }
        }
    }

    private func checksNUL(_ token: Token) -> Bool { !token.bytes.contains(0) }
}
