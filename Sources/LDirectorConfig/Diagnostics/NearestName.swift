// SPDX-License-Identifier: Apache-2.0

/// Finds the word that was probably meant.
enum NearestName {
    /// The candidate with the fewest edits, if these are few for its length; the first of equals.
    static func of(_ word: String, among candidates: [String]) -> String? {
        let typed = Array(word.lowercased().utf8)
        guard !typed.isEmpty, typed.count <= 32 else {
            return nil
        }
        var best: (word: String, edits: Int)?
        for candidate in candidates {
            let edits = distance(typed, Array(candidate.utf8))
            let allowed = max(1, candidate.utf8.count / 3)
            if edits <= allowed, edits < best?.edits ?? .max {
                best = (candidate, edits)
            }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var edits = min(
                    previous[column + 1] + 1,
                    current[column] + 1,
                    previous[column] + (byte == other ? 0 : 1)
                )
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    edits = min(edits, beforePrevious[column - 1] + 1)
                }
                current.append(edits)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
