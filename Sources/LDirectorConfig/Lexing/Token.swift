// SPDX-License-Identifier: Apache-2.0

/// A run of bytes of one line that knows where it stands.
struct Token {
    /// The bytes; indices are offsets into the whole file.
    let bytes: ArraySlice<UInt8>

    /// 1-based line.
    let line: Int

    /// Offset of the first byte of the line.
    let lineStart: Int

    /// TABs count as four blanks, as everywhere in a block.
    let expandsTabs: Bool

    var isEmpty: Bool { bytes.isEmpty }

    /// 1-based column in bytes.
    var column: Int { bytes.startIndex - lineStart + 1 }

    /// The part of the token in `range`, given in offsets of the file.
    subscript(range: Range<Int>) -> Token {
        Token(bytes: bytes[range], line: line, lineStart: lineStart, expandsTabs: expandsTabs)
    }

    func prefix(upTo index: Int) -> Token { self[bytes.startIndex..<index] }

    func suffix(from index: Int) -> Token { self[index..<bytes.endIndex] }

    func dropFirst(_ count: Int = 1) -> Token { suffix(from: min(bytes.startIndex + count, bytes.endIndex)) }

    func prefix(while matches: (UInt8) -> Bool) -> Token {
        prefix(upTo: bytes.firstIndex { !matches($0) } ?? bytes.endIndex)
    }

    func drop(while matches: (UInt8) -> Bool) -> Token {
        suffix(from: bytes.firstIndex { !matches($0) } ?? bytes.endIndex)
    }

    /// Without white space at both ends.
    var trimmed: Token { drop(while: \.isBlank).trimmedEnd }

    /// Without white space at the end.
    var trimmedEnd: Token {
        guard let last = bytes.lastIndex(where: { !$0.isBlank }) else {
            return prefix(upTo: bytes.startIndex)
        }
        return prefix(upTo: last + 1)
    }

    /// The first word and what follows it, both without leading white space.
    var firstWord: (word: Token, rest: Token) {
        let start = drop(while: \.isBlank)
        let word = start.prefix { !$0.isBlank }
        return (word, suffix(from: word.bytes.endIndex).drop(while: \.isBlank))
    }

    func starts(with byte: Unicode.Scalar) -> Bool { bytes.first == UInt8(ascii: byte) }

    func firstIndex(of byte: Unicode.Scalar) -> Int? { bytes.firstIndex(of: UInt8(ascii: byte)) }

    func lastIndex(of byte: Unicode.Scalar) -> Int? { bytes.lastIndex(of: UInt8(ascii: byte)) }

    func all(_ matches: (UInt8) -> Bool) -> Bool { !isEmpty && bytes.allSatisfy(matches) }

    static func == (token: Token, text: StaticString) -> Bool {
        text.withUTF8Buffer { token.bytes.elementsEqual($0) }
    }

    /// The bytes with TABs expanded where the format does so.
    var expandedBytes: [UInt8] {
        guard expandsTabs, bytes.contains(UInt8(ascii: "\t")) else {
            return Array(bytes)
        }
        return bytes.flatMap { $0 == UInt8(ascii: "\t") ? [UInt8](repeating: UInt8(ascii: " "), count: 4) : [$0] }
    }

    /// The text for use as a value; nil when it is not UTF-8.
    var text: String? {
        expandsTabs && bytes.contains(UInt8(ascii: "\t"))
            ? String(validating: expandedBytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
    }

    /// The text for use in a message, on one line and of bounded length.
    var quoted: String {
        let clipped = bytes.prefix(60)
        let scalars = String(decoding: clipped, as: UTF8.self).unicodeScalars.map {
            $0.value < 32 || $0.value == 127 ? "?" : Character($0)
        }
        return "'\(String(scalars))\(clipped.count < bytes.count ? "..." : "")'"
    }

    /// The place of the token in `file`.
    func span(in file: String) -> SourceSpan {
        SourceSpan(file: file, line: line, column: column, length: bytes.count)
    }
}

extension UInt8 {
    /// White space inside a line: what Perl's `\s` takes, without LF.
    var isBlank: Bool { self == 32 || self == 9 || (11...13).contains(self) }

    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

    var isHexDigit: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }

    /// A byte of a host name; the underscore is not legal in DNS but common in local names.
    var isHostByte: Bool { isServiceByte || self == UInt8(ascii: ".") || self == UInt8(ascii: "+") }

    /// A byte of a service name.
    var isServiceByte: Bool { isLetter || isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: "_") }
}
