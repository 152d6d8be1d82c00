// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Reads the value of one directive by the grammar that the table gives it.
struct ValueReader {
    let findings: Findings
    let environment: ConfigurationEnvironment

    private var numbers: NumberReader { NumberReader(findings: findings) }
    private var texts: TextReader { TextReader(findings: findings) }

    /// The value; nil after an error.
    func read(_ directive: Directive, _ raw: RawDirective) -> DirectiveValue? {
        guard let token = raw.value else {
            return readAlone(directive, raw)
        }
        guard !token.isEmpty || directive.mayBeEmpty else {
            let note = Diagnostic.Note("expected \(directive.grammar.syntax)")
            findings.error(.missingValue, raw.name, "\(raw.name.quoted) has an empty value", notes: [note])
            return nil
        }
        return read(directive, raw.name, token, raw.line)
    }

    /// A directive without `=`.
    private func readAlone(_ directive: Directive, _ raw: RawDirective) -> DirectiveValue? {
        if directive.grammar == .flagOrAlone, raw.name.bytes.count == raw.line.content.bytes.count {
            findings.warning(
                .missingValue,
                raw.name,
                "\(raw.name.quoted) alone is old style; write '\(directive.name.rawValue)=yes'"
            )
            return .flag(true)
        }
        findings.error(
            .missingValue,
            raw.name,
            "'=' and a value must follow \(raw.name.quoted)",
            notes: [Diagnostic.Note("expected \(directive.name.rawValue)=\(directive.grammar.syntax)")]
        )
        return nil
    }

    private func read(_ directive: Directive, _ name: Token, _ token: Token, _ line: LogicalLine) -> DirectiveValue? {
        switch directive.grammar {
        case .text where token.isEmpty, .fallback where token.isEmpty:
            return .nothing
        case .virtualAddress, .realServer, .fallback, .netmask:
            return .open
        case .seconds(let allowsZero, let allowsFraction, let maximum):
            return numbers.seconds(
                token,
                for: name,
                allowsZero: allowsZero,
                allowsFraction: allowsFraction,
                maximum: maximum
            ).map(DirectiveValue.duration)
        case .count:
            return numbers.number(token, for: name, in: 1...Int(Int32.max)).map(DirectiveValue.count)
        case .percent:
            let digits = token.bytes.last == UInt8(ascii: "%") ? token.prefix(upTo: token.bytes.endIndex - 1) : token
            return numbers.number(digits, for: name, in: 1...100).map(DirectiveValue.count)
        case .port:
            return numbers.number(token, for: name, in: 1...65_535).map(DirectiveValue.count)
        case .flag, .flagOrAlone:
            return flag(token, name, trailingBlanks: line.hasTrailingBlanks)
        case .text(let quotes):
            return text(directive.name, token, name, quotes, scope: line.scope)
        case .pattern:
            return texts.unquoted(token, for: name, .expected).flatMap { pattern($0, name) }
        case .word(let words):
            return word(token, name, words).map(DirectiveValue.text)
        case .anyCaseWord(let words):
            return word(token, name, words, anyCase: true).map(DirectiveValue.text)
        case .anyCaseWordList, .oneOf, .statusList, .header, .sha256:
            return ConditionReader(findings: findings).read(directive.grammar, token, name)
        case .checkType:
            return checkType(token, name)
        case .schedulerName:
            return schedulerName(token)
        case .flagList:
            return flagList(token)
        case .mailAddresses:
            return mailAddresses(token, name)
        case .phases:
            return phases(token)
        case .host:
            return host(token, name)
        case .endpoint:
            return endpoint(token, name)
        case .address:
            return address(token, name)
        case .interface:
            return interface(token, name)
        case .weight:
            return numbers.number(token, for: name, in: 0...65_535).map(DirectiveValue.count)
        case .obsolete(let successor):
            findings.error(.obsoleteDirective, name, "\(name.quoted) is obsolete, use '\(successor.rawValue)'")
            return nil
        }
    }

    private func flag(_ token: Token, _ name: Token, trailingBlanks: Bool) -> DirectiveValue? {
        guard token == "yes" || token == "no" else {
            findings.error(.badWord, token, "\(name.quoted) is 'yes' or 'no', not \(token.quoted)")
            return nil
        }
        if trailingBlanks {
            findings.relaxed(token, "white space after \(token.quoted)")
        }
        return .flag(token == "yes")
    }

    private func text(
        _ directive: DirectiveName,
        _ token: Token,
        _ name: Token,
        _ quotes: ValueGrammar.Quotes,
        scope: LogicalLine.Scope
    ) -> DirectiveValue? {
        // A global command keeps its quotes for the shell; only where they enclose all of it is taking them away the same.
        let isShellText = directive == .fallbackcommand && scope == .global && !token.isOneQuotedString
        guard let inner = texts.unquoted(token, for: name, isShellText ? .verbatim : quotes) else {
            return nil
        }
        switch directive {
        case .servicename, .comment:
            return texts.freeText(inner, for: name).map(DirectiveValue.text)
        case .maintenancedir where token.starts(with: "\""):
            findings.warning(.needsQuotes, token, "the quotes are part of the directory's name here")
        default:
            break
        }
        return texts.text(inner, for: name).map(DirectiveValue.text)
    }

    /// A pattern that compiles in the engine of the checks.
    func pattern(_ token: Token, _ name: Token) -> DirectiveValue? {
        guard !token.isEmpty else {
            findings.error(.missingValue, name, "\(name.quoted) has an empty value")
            return nil
        }
        guard let pattern = texts.pattern(token), accepts(pattern, token) else {
            return nil
        }
        return .text(pattern)
    }

    /// Whether the engine takes the pattern; complains at the place of the fault if not.
    func accepts(_ pattern: String, _ token: Token) -> Bool {
        guard let fault = environment.validatePattern(pattern) else {
            return true
        }
        let isLiteral = pattern.utf8.elementsEqual(token.bytes)
        let offset = isLiteral ? min(max(fault.offset, 0), token.bytes.count) : 0
        let place = isLiteral ? token.dropFirst(offset).prefixOfOne : token
        findings.error(.badPattern, place, "not a regular expression: \(fault.reason)")
        return false
    }

    private func word(_ token: Token, _ name: Token, _ words: [String], anyCase: Bool = false) -> String? {
        // Quotes around a word have always been passed over.
        let start = token.drop { $0 == UInt8(ascii: "\"") }
        let run = start.prefix(while: \.isServiceByte)
        let first = run.isEmpty ? token.firstWord.word : run
        let typed = anyCase ? first.text?.uppercased() : first.text
        guard let typed, words.contains(typed) else {
            var notes: [Diagnostic.Note] = []
            if let nearest = NearestName.of(first.text ?? "", among: words) {
                notes.append(Diagnostic.Note("did you mean '\(nearest)'?"))
            }
            let list = words.joined(separator: ", ")
            findings.error(.badWord, first, "\(name.quoted) cannot be \(first.quoted); known: \(list)", notes: notes)
            return nil
        }
        let rest = token.suffix(from: first.bytes.endIndex).drop { $0 == UInt8(ascii: "\"") }
        warnDropped(rest.trimmed)
        return typed
    }

    private func checkType(_ token: Token, _ name: Token) -> DirectiveValue? {
        if token.bytes.contains(where: \.isDigit) {
            return numbers.number(token, for: name, in: 0...Int(Int32.max))
                .map { .checkType(.combined(connects: $0)) }
        }
        let types: [CheckType] = [.connect, .negotiate, .ping, .off, .on, .external, .externalPerl]
        guard let typed = word(token, name, types.map(\.word)), let type = types.first(where: { $0.word == typed })
        else {
            return nil
        }
        return .checkType(type)
    }

    private func schedulerName(_ token: Token) -> DirectiveValue? {
        let isName = token.all { byte in
            byte.isServiceByte && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        guard isName, let text = token.text else {
            findings.error(
                .badWord,
                token,
                "a scheduler is one word of small letters, digits, '-' and '_', not \(token.quoted)"
            )
            return nil
        }
        return .text(text)
    }

    private func flagList(_ token: Token) -> DirectiveValue? {
        let known = ["sh-port", "sh-fallback", "mh-port", "mh-fallback", "flag-1", "flag-2", "flag-3"]
        let (first, rest) = token.firstWord
        warnDropped(rest)
        guard let text = texts.text(first, for: first) else {
            return nil
        }
        let flags = text.split(separator: ",").map(String.init)
        for flag in flags where !known.contains(flag) {
            findings.warning(.badWord, first, "the kernel knows no scheduler flag '\(flag)'")
        }
        return .list(flags)
    }

    private func mailAddresses(_ token: Token, _ name: Token) -> DirectiveValue? {
        let isQuoted = token.starts(with: "\"") && token.bytes.last == UInt8(ascii: "\"") && token.bytes.count > 1
        let inner = isQuoted ? token.dropFirst().prefix(upTo: token.bytes.endIndex - 1) : token
        guard let text = texts.text(inner, for: name) else {
            return nil
        }
        let addresses = text.split(separator: ",").map { $0.trimmingBlanks }.filter { !$0.isEmpty }
        guard !addresses.isEmpty else {
            findings.error(.missingValue, token, "\(name.quoted) names nobody")
            return nil
        }
        return .list(addresses.map(String.init))
    }

    private func phases(_ token: Token) -> DirectiveValue? {
        let known = ["all", "none"] + MailSettings.Phase.allCases.map(\.rawValue)
        var words: [String] = []
        var start = token.bytes.startIndex
        while start <= token.bytes.endIndex, !token.isEmpty {
            let end = token.bytes[start...].firstIndex(of: UInt8(ascii: ",")) ?? token.bytes.endIndex
            let word = token[start..<end].trimmed
            start = end + 1
            guard !word.isEmpty else {
                continue
            }
            guard let text = word.text, known.contains(text) else {
                let list = known.joined(separator: ", ")
                findings.error(.badWord, word, "no such status \(word.quoted); known: \(list)")
                return nil
            }
            words.append(text)
        }
        if words.contains("none"), words.count > 1 {
            findings.error(.badWord, token, "'none' cannot stand beside other words")
            return nil
        }
        return .list(words.contains("all") ? MailSettings.Phase.allCases.map(\.rawValue) : words)
    }

    private func host(_ token: Token, _ name: Token) -> DirectiveValue? {
        let host = token.prefix(while: \.isHostByte)
        guard !host.isEmpty, let text = host.text else {
            findings.error(.badAddress, token, "\(name.quoted) needs a host name or an IPv4 address")
            return nil
        }
        warnDropped(token.suffix(from: host.bytes.endIndex).trimmed)
        return .text(text)
    }

    private func endpoint(_ token: Token, _ name: Token) -> DirectiveValue? {
        guard let text = texts.unquoted(token, for: name, .optional)?.text, MetricsEndpoint(text) != nil else {
            let note = Diagnostic.Note("such as 127.0.0.1:9105, [::1]:9105 or /run/vervet/metrics.sock")
            findings.error(.badAddress, token, "\(name.quoted) needs an address with a port, or a path", notes: [note])
            return nil
        }
        return .text(text)
    }

    private func address(_ token: Token, _ name: Token) -> DirectiveValue? {
        guard let text = token.text, let address = IPAddress(text) else {
            findings.error(.badAddress, token, "\(name.quoted) needs an IPv4 or IPv6 address, not \(token.quoted)")
            return nil
        }
        return .text(address.description)
    }

    private func interface(_ token: Token, _ name: Token) -> DirectiveValue? {
        // As the kernel names devices: up to 15 bytes without blanks and slashes.
        let isName =
            (1...15).contains(token.bytes.count) && token.all { $0 > 32 && $0 != UInt8(ascii: "/") && $0 != 127 }
        guard isName, let text = token.text, text != ".", text != ".." else {
            findings.error(.badWord, token, "\(name.quoted) needs the name of a network interface, not \(token.quoted)")
            return nil
        }
        return .text(text)
    }

    private func warnDropped(_ rest: Token) {
        if !rest.isEmpty {
            findings.warning(.droppedText, rest, "\(rest.quoted) is ignored")
        }
    }
}

extension Token {
    /// The first byte, or nothing at the end.
    var prefixOfOne: Token { prefix(upTo: min(bytes.startIndex + 1, bytes.endIndex)) }

    /// Double quotes at both ends and nowhere else.
    var isOneQuotedString: Bool {
        starts(with: "\"") && bytes.count > 1
            && bytes.dropFirst().firstIndex(of: UInt8(ascii: "\"")) == bytes.endIndex - 1
    }
}

extension Substring {
    /// Without blanks and TABs at both ends.
    var trimmingBlanks: Substring {
        var result = self.drop { $0 == " " || $0 == "\t" }
        while result.last == " " || result.last == "\t" {
            result.removeLast()
        }
        return result
    }
}
