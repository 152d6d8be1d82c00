// SPDX-License-Identifier: Apache-2.0

/// A command line of single-letter options as getopt(3) reads it in POSIX mode: options end at the first operand.
public struct ShortOptions: Sendable, Equatable {
    /// Why a command line is wrong.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case unknownOption(Character)
        case missingValue(Character)

        /// One line.
        public var description: String {
            switch self {
            case .unknownOption(let letter): "unknown option -\(letter)"
            case .missingValue(let letter): "option -\(letter) needs a value"
            }
        }
    }

    /// Values of options that take one; the last one counts.
    public private(set) var values: [Character: String] = [:]

    /// Options without a value that were given.
    public private(set) var flags: Set<Character> = []

    /// What follows the options.
    public private(set) var operands: [String] = []

    /// Reads a command line.
    ///
    /// - Parameters:
    ///   - arguments: The words behind the program's name.
    ///   - letters: The options as getopt(3) wants them: a colon behind those that take a value.
    /// - Throws: ``Failure`` for the first word that does not fit.
    public init(_ arguments: [String], letters: String) throws(Failure) {
        var taking: Set<Character> = []
        var known: Set<Character> = []
        var previous: Character?
        for letter in letters {
            if letter == ":", let previous {
                taking.insert(previous)
            } else {
                known.insert(letter)
                previous = letter
            }
        }
        var rest = arguments[...]
        while let word = rest.first, word.utf8.count > 1, word.hasPrefix("-") {
            rest.removeFirst()
            if word == "--" {
                break
            }
            var characters = word.dropFirst()
            while let letter = characters.popFirst() {
                guard known.contains(letter) else {
                    throw .unknownOption(letter)
                }
                guard taking.contains(letter) else {
                    flags.insert(letter)
                    continue
                }
                if characters.isEmpty {
                    guard let value = rest.popFirst() else {
                        throw .missingValue(letter)
                    }
                    values[letter] = value
                } else {
                    values[letter] = String(characters)
                    characters = ""
                }
            }
        }
        operands = Array(rest)
    }
}
