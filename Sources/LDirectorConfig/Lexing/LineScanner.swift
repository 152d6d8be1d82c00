// SPDX-License-Identifier: Apache-2.0

/// Cuts a file into logical lines and decides which belong to the block of a `virtual` line.
struct LineScanner {
    private enum Block {
        case none
        case open
        case ended(byEmptyLine: Int)
    }

    private var block = Block.none
    private var inOrphanRun = false
    private(set) var lines: [LogicalLine] = []

    /// Lines that hold nothing but five or more columns of white space, an error in the Perl program.
    private(set) var wideEmptyLines: [Token] = []

    /// The logical lines of `bytes`, with LF or CR LF at the ends of lines.
    init(_ bytes: [UInt8]) {
        var start = 0
        var number = 1
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            scan(bytes[start..<end], number: number, start: start)
            start = end + 1
            number += 1
        }
    }

    private mutating func scan(_ bytes: ArraySlice<UInt8>, number: Int, start: Int) {
        let line = Token(bytes: bytes, line: number, lineStart: start, expandsTabs: false)
        let visible = line.trimmed
        if visible.isEmpty {
            if case .open = block {
                block = .ended(byEmptyLine: number)
            }
            if Self.columns(line.bytes) > 4 {
                wideEmptyLines.append(line)
            }
            return
        }
        if visible.starts(with: "#") {
            return
        }
        // A block line starts with four columns, each TAB standing for four; anything in column 1 is global.
        let indent = Self.columns(line.prefix(while: { $0 == 32 || $0 == 9 }).bytes)
        if indent == 0 {
            appendGlobal(line)
        } else {
            appendIndented(line, columns: indent)
        }
    }

    private mutating func appendGlobal(_ line: Token) {
        inOrphanRun = false
        let (content, _, hasComment) = Self.cutComment(line, everyHash: false)
        lines.append(
            LogicalLine(
                scope: .global,
                fault: nil,
                content: content.trimmed,
                hasTrailingBlanks: Self.endsBlank(content) || Self.endsBlank(line),
                quotesHash: false,
                hasGlobalComment: hasComment
            )
        )
        let name = RawDirective.name(of: content)
        block = name == "virtual" || name == "virtual6" ? .open : .none
    }

    private mutating func appendIndented(_ line: Token, columns: Int) {
        let fault: LogicalLine.Fault?
        switch block {
        case .open: fault = columns < 4 ? .shallow(columns: columns) : nil
        case .ended(let number): fault = .afterEmptyLine(number)
        case .none: fault = .noBlock
        }
        if case .none = block {
            guard !inOrphanRun else {
                return
            }
            inOrphanRun = true
        } else {
            // After one complaint the line counts as meant, so that the rest of the block is still read and judged.
            block = .open
        }
        let expanding = Token(bytes: line.bytes, line: line.line, lineStart: line.lineStart, expandsTabs: true)
        let (content, quotesHash, _) = Self.cutComment(expanding, everyHash: true)
        lines.append(
            LogicalLine(
                scope: .block,
                fault: fault,
                content: content.trimmed,
                hasTrailingBlanks: Self.endsBlank(content),
                quotesHash: quotesHash,
                hasGlobalComment: false
            )
        )
    }

    private static func columns(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\t") ? 4 : 1) }
    }

    private static func endsBlank(_ token: Token) -> Bool {
        token.bytes.last.map(\.isBlank) ?? false
    }

    /// Cuts a trailing comment.
    ///
    /// Quotes protect a `#` when the value starts with one, and anywhere on a `real` line. In a block every other `#`
    /// starts a comment; in global context only one after white space does.
    private static func cutComment(
        _ line: Token,
        everyHash: Bool
    ) -> (content: Token, quotesHash: Bool, hasComment: Bool) {
        guard line.bytes.contains(UInt8(ascii: "#")) else {
            return (line, false, false)
        }
        let value = RawDirective.value(of: line)
        let name = RawDirective.name(of: line)
        let tracksQuotes = value?.starts(with: "\"") ?? false || name == "real" || name == "real6"
        let lastQuote = line.lastIndex(of: "\"") ?? line.bytes.startIndex
        var inQuotes = false
        var quotesHash = false
        var previous: UInt8 = 32
        for index in line.bytes.indices {
            let byte = line.bytes[index]
            if byte == UInt8(ascii: "\""), tracksQuotes {
                // A quote that nothing closes is just a character.
                inQuotes = !inQuotes && index < lastQuote
            } else if byte == UInt8(ascii: "#") {
                if inQuotes {
                    quotesHash = true
                } else if everyHash || previous.isBlank {
                    return (line.prefix(upTo: index), quotesHash, true)
                }
            }
            previous = byte
        }
        return (line, quotesHash, false)
    }
}
