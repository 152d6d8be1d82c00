// SPDX-License-Identifier: Apache-2.0

/// Reads gate, masq, ipip, `gue:PORT[,CHECKSUM]` and `gre[,CHECKSUM]`.
enum ForwardingWord {
    /// The forwarding method; nil after an error.
    static func read(_ word: Token, after place: Token, findings: Findings) -> ForwardingMethod? {
        let known = ["gate", "masq", "ipip", "gue:PORT", "gre"]
        guard !word.isEmpty else {
            findings.error(
                .missingValue,
                place.suffix(from: place.bytes.endIndex),
                "a forwarding method must follow \(place.quoted): \(known.joined(separator: ", "))"
            )
            return nil
        }
        guard let method = word.text.flatMap(ForwardingMethod.init(rawValue:)) else {
            var notes: [Diagnostic.Note] = []
            if word.text?.hasPrefix("gue") ?? false || word.text?.hasPrefix("gre") ?? false {
                notes.append(
                    Diagnostic.Note("tunnels are gue:PORT, gue:PORT,csum, gue:PORT,remcsum, gre and gre,csum")
                )
            } else if word.starts(with: ":") || word.text?.hasPrefix("->") == true {
                notes.append(Diagnostic.Note("no blanks stand around ':' and '->'"))
            } else if let nearest = NearestName.of(word.text ?? "", among: known) {
                notes.append(Diagnostic.Note("did you mean '\(nearest)'?"))
            }
            let list = known.joined(separator: ", ")
            findings.error(.badWord, word, "\(word.quoted) is not a forwarding method: \(list)", notes: notes)
            return nil
        }
        if !method.isLegacy {
            findings.relaxed(word, "forwarding by \(word.quoted)")
        }
        return method
    }
}
