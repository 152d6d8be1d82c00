// SPDX-License-Identifier: Apache-2.0

/// Reads the values of the conditions of checks.
struct ConditionReader {
    /// Fields that the check sets itself, and what to write instead.
    private static let ownFields = [
        "host": "use virtualhost", "connection": "each check has a connection of its own",
        "content-length": "a check sends no body", "transfer-encoding": "a check sends no body",
        "expect": "a check sends no body", "upgrade": "a check speaks HTTP only",
    ]

    let findings: Findings

    private var texts: TextReader { TextReader(findings: findings) }

    /// The value; nil after an error.
    func read(_ grammar: ValueGrammar, _ token: Token, _ name: Token) -> DirectiveValue? {
        guard let inner = texts.unquoted(token, for: name, .optional)?.trimmed, !inner.isEmpty else {
            findings.error(.missingValue, token, "\(name.quoted) has an empty value")
            return nil
        }
        switch grammar {
        case .oneOf(let words): return one(inner, name, of: words)
        case .anyCaseWordList(let words): return several(inner, name, of: words)
        case .statusList: return statuses(inner, name)
        case .header: return header(inner, name)
        case .sha256: return digest(inner, name)
        default: return nil
        }
    }

    private func one(_ token: Token, _ name: Token, of words: [String]) -> DirectiveValue? {
        guard let text = token.text, words.contains(text) else {
            unknown(token, name, words)
            return nil
        }
        return .text(text)
    }

    private func several(_ token: Token, _ name: Token, of words: [String]) -> DirectiveValue? {
        var list: [String] = []
        for part in parts(token) {
            guard let text = part.text?.uppercased(), words.contains(text) else {
                unknown(part, name, words)
                return nil
            }
            list.append(text)
        }
        return .list(list)
    }

    private func unknown(_ token: Token, _ name: Token, _ words: [String]) {
        var notes: [Diagnostic.Note] = []
        if let nearest = NearestName.of(token.text ?? "", among: words) {
            notes.append(Diagnostic.Note("did you mean '\(nearest)'?"))
        }
        let list = words.joined(separator: ", ")
        findings.error(.badWord, token, "\(name.quoted) cannot be \(token.quoted); known: \(list)", notes: notes)
    }

    private func statuses(_ token: Token, _ name: Token) -> DirectiveValue? {
        var ranges: [ClosedRange<Int>] = []
        for part in parts(token) {
            let dash = part.firstIndex(of: "-") ?? part.bytes.endIndex
            let low = part.prefix(upTo: dash).trimmed
            let high = dash < part.bytes.endIndex ? part.suffix(from: dash + 1).trimmed : low
            guard let lower = status(low), let upper = status(high), lower <= upper else {
                findings.error(
                    .badNumber,
                    part,
                    "\(name.quoted) needs HTTP statuses from 100 to 599 and ranges of them, not \(part.quoted)",
                    notes: [Diagnostic.Note("such as 200-299,401")]
                )
                return nil
            }
            ranges.append(lower...upper)
        }
        return .statuses(ranges)
    }

    private func status(_ token: Token) -> Int? {
        token.all(\.isDigit) ? NumberReader.value(token).flatMap { (100...599).contains($0) ? $0 : nil } : nil
    }

    private func header(_ token: Token, _ name: Token) -> DirectiveValue? {
        let field = token.prefix { $0 != UInt8(ascii: ":") }
        let value = token.suffix(from: min(field.bytes.endIndex + 1, token.bytes.endIndex)).trimmed
        guard field.bytes.endIndex < token.bytes.endIndex, field.all(\.isFieldNameByte), let fieldText = field.text,
            let text = value.text, value.bytes.allSatisfy({ $0 == 9 || $0 >= 32 && $0 != 127 })
        else {
            findings.error(.badWord, token, "\(name.quoted) needs a field name, a colon and text, not \(token.quoted)")
            return nil
        }
        if let reason = Self.ownFields[fieldText.lowercased()] {
            findings.error(.badWord, field, "\(field.quoted) cannot be set: \(reason)")
            return nil
        }
        return .list(["\(fieldText): \(text)"])
    }

    private func digest(_ token: Token, _ name: Token) -> DirectiveValue? {
        guard token.bytes.count == 64, token.all(\.isHexDigit), let text = token.text else {
            findings.error(
                .badWord,
                token,
                "\(name.quoted) is a SHA-256 digest of 64 hexadecimal digits, not \(token.quoted)",
                notes: [Diagnostic.Note("such as `curl -s URL | sha256sum` prints")]
            )
            return nil
        }
        return .text(text.lowercased())
    }

    /// What stands between commas, without blanks; an empty part stays in the list as one that nothing accepts.
    private func parts(_ token: Token) -> [Token] {
        var parts: [Token] = []
        var start = token.bytes.startIndex
        while start <= token.bytes.endIndex {
            let end = token.bytes[start...].firstIndex(of: UInt8(ascii: ",")) ?? token.bytes.endIndex
            parts.append(token[start..<end].trimmed)
            start = end + 1
        }
        return parts
    }
}

extension UInt8 {
    /// A byte of a header field's name (RFC 9110, 5.6.2).
    var isFieldNameByte: Bool { isLetter || isDigit || "!#$%&'*+-.^_`|~".utf8.contains(self) }
}
