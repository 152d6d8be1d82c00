// SPDX-License-Identifier: Apache-2.0

/// The weight that a check command prints for its server, as a line `weight=N`; the last such line counts.
enum PrintedWeight {
    /// So much of the output is looked at.
    static let limit = 4096

    /// - Parameters:
    ///   - output: What the command printed.
    ///   - largest: What is printed above counts as this.
    /// - Returns: The weight; nil when no line tells one.
    static func read(_ output: some Sequence<UInt8>, largest: Int) -> Int? {
        var weight: Int?
        for line in Array(output.prefix(limit)).split(separator: UInt8(ascii: "\n")) {
            weight = value(line) ?? weight
        }
        return weight.map { min($0, largest) }
    }

    private static func value(_ line: ArraySlice<UInt8>) -> Int? {
        let word = Array("weight=".utf8)
        let text = line.drop { $0 == 0x20 || $0 == 0x09 }
        guard text.starts(with: word) else {
            return nil
        }
        var digits = text.dropFirst(word.count)
        while let last = digits.last, last == 0x20 || last == 0x09 || last == 0x0d {
            digits.removeLast()
        }
        // More digits than any weight has are a large weight, and no overflow.
        guard !digits.isEmpty, digits.count <= 15, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
