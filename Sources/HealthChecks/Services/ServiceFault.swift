// SPDX-License-Identifier: Apache-2.0

/// Why a server's answer, or what it is to be asked, cannot be used; the text is fit for a log line.
public struct ServiceFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong ("server sent a packet of 70000 bytes; at most 65536 are read").
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Text of a peer fit for one log line, without the secret even when the peer repeats it.
///
/// Only the first 300 bytes are looked at. The secret is a password of the check; empty when none was sent.
func printable(_ bytes: some Sequence<UInt8>, hiding secret: String) -> String {
    let hidden = Array(secret.utf8)
    // A secret that begins before the limit is recognised even when it ends after it.
    var rest = Array(bytes.prefix(300 + hidden.count))[...]
    var shown: [UInt8] = []
    while let first = rest.first, shown.count < 300 {
        let isHidden = !hidden.isEmpty && rest.starts(with: hidden)
        shown += isHidden ? Array("***".utf8) : [first]
        rest = rest.dropFirst(isHidden ? hidden.count : 1)
    }
    return printable(String(decoding: shown, as: UTF8.self))
}

/// The same in quotes.
func quoted(_ bytes: some Sequence<UInt8>, hiding secret: String = "") -> String {
    "\"\(printable(bytes, hiding: secret))\""
}

extension Pattern {
    /// Up when a text, which a reason calls by the given name, contains one expression and not the other.
    static func outcome(of text: [UInt8], _ name: String, with wanted: Pattern?, without unwanted: Pattern?)
        -> CheckOutcome
    {
        // What must not be there says more about the fault than what is missing.
        for (pattern, isWanted) in [(unwanted, false), (wanted, true)] {
            guard let pattern else {
                continue
            }
            switch (pattern.search(text), isWanted) {
            case (.found, true), (.absent, false): continue
            case (.absent, true): return .down("\(name) does not match \"\(pattern)\"")
            case (.found, false): return .down("\(name) contains \"\(pattern)\"")
            case (.tooComplex, _): return pattern.tooComplex
            }
        }
        return .up
    }

    /// Down when one of the texts, which a reason calls by the given name, contains the expression; else nothing is said.
    func refusal(of texts: [[UInt8]], called name: String, hiding secret: String = "") -> CheckOutcome? {
        var budget = SearchBudget()
        for text in texts {
            switch budget.search(self, text) {
            case .found: return .down("\(name) \(quoted(text, hiding: secret)) contains \"\(self)\"")
            case .absent: continue
            case .tooComplex: return tooComplex
            }
        }
        return nil
    }

    /// What there is to say of a search that was ended.
    var tooComplex: CheckOutcome {
        .down("\"\(self)\" needs too many steps on this answer; write a simpler expression")
    }

    /// Up when one of the texts, which a reason calls by the given name, contains the expression.
    func outcome(on texts: [[UInt8]], called name: String, hiding secret: String = "") -> CheckOutcome {
        var budget = SearchBudget()
        for text in texts {
            switch budget.search(self, text) {
            case .found: return .up
            case .absent: continue
            case .tooComplex: return tooComplex
            }
        }
        let shown =
            texts.prefix(3).map { quoted($0, hiding: secret) }.joined(separator: ", ")
            + (texts.count > 3 ? ", ..." : "")
        return .down(
            texts.isEmpty
                ? "the answer has no \(name) to match \"\(self)\"" : "no \(name) matches \"\(self)\": \(shown)"
        )
    }
}
