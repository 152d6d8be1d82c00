// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What to execute for a check command.
enum CommandWords {
    /// The program and its arguments.
    ///
    /// A command that names an executable file is that file, blanks included (Q25). Anything else is split into words at
    /// blanks as a shell would, with quotes and backslashes; nothing is expanded and no shell runs.
    static func words(of command: String) -> [String] {
        guard command.contains(where: \.isWhitespace), access(command, X_OK) != 0 else {
            return [command]
        }
        let words = split(command)
        return words.isEmpty ? [command] : words
    }

    /// The words of a command line; an open quote ends with the line.
    static func split(_ line: String) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in line {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open {
                    quote = nil
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                if let complete = word {
                    words.append(complete)
                }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }
}
