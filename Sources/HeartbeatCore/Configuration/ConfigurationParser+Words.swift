// SPDX-License-Identifier: Apache-2.0

/// Words, times and names, and what somebody may have meant.
extension ConfigurationParser {
    /// A word and where it stands.
    struct Word {
        let text: String
        let column: Int
    }

    /// Words of a line up to a comment.
    static func split(_ line: String) -> [Word] {
        var words: [Word] = []
        var start: Int?
        let bytes = Array(line.utf8.prefix { $0 != UInt8(ascii: "#") })
        for index in 0...bytes.count {
            let isBlank = index == bytes.count || [0x20, 0x09, 0x0d].contains(bytes[index])
            if isBlank, let begun = start {
                words.append(Word(text: String(decoding: bytes[begun..<index], as: UTF8.self), column: begun + 1))
                start = nil
            } else if !isBlank, start == nil {
                start = index
            }
        }
        return words
    }

    /// A time: whole number with ms, s or m; without a unit seconds.
    static func duration(_ text: String) -> Duration? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        guard digits.count <= 9, let value = Int64(String(decoding: digits, as: UTF8.self)) else {
            return nil
        }
        switch String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self) {
        case "ms": return .milliseconds(value)
        case "", "s": return .seconds(value)
        case "m": return .seconds(value * 60)
        default: return nil
        }
    }

    /// Whether a text may be part of an attribute's name.
    static func isName(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 == 0x2d || $0 == 0x5f || (0x30...0x39).contains($0) || isLetter($0) }
    }

    /// What may have been meant instead of a word.
    static func suggestion(_ word: String, _ known: [String]) -> String {
        let nearest = known.map { ($0, distance(Array(word.utf8), Array($0.utf8))) }.min { $0.1 < $1.1 }
        guard let nearest, nearest.1 <= 2 else {
            return known.isEmpty ? "" : "; known: \(known.joined(separator: ", "))"
        }
        return "; did you mean \"\(nearest.0)\"?"
    }

    /// The Levenshtein distance.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var previous = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = previous + (right[column] == byte ? 0 : 1)
                previous = row[column + 1]
                row[column + 1] = min(replaced, previous + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}

private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }
