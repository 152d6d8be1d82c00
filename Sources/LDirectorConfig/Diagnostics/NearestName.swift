// SPDX-License-Identifier: Apache-2.0

/// Finds the word that was probably meant.
enum NearestName {
    /// The candidate with the fewest edits, if these are few for its length; the first of equals.
    static func of(_ word: String, among candidates: [String]) -> String? {
        let typed = Array(word.lowercased().utf8)
        guard !typed.isEmpty, typed.count <= 32, typed.allSatisfy({ $0.isServiceByte }) else {
            return nil
        }
        var best: (word: String, edits: Int)?
        for candidate in candidates {
            let length = candidate.utf8.count
            let allowed = max(1, length / 3)
            // Every byte more or less is an edit.
            guard abs(length - typed.count) <= allowed else {
                continue
            }
            let edits = distance(typed, Array(candidate.lowercased().utf8), atMost: allowed)
            if edits <= allowed, edits < best?.edits ?? .max {
                best = (candidate, edits)
            }
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); gives up above a limit.
    static func distance(_ left: [UInt8], _ right: [UInt8], atMost limit: Int) -> Int {
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
            // A swap looks back two rows, so both must be over the limit before nothing can come back under it.
            if current.allSatisfy({ $0 > limit }), previous.allSatisfy({ $0 > limit }) {
                return limit + 1
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
