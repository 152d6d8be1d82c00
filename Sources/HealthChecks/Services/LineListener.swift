// SPDX-License-Identifier: Apache-2.0

/// A talk in lines of text.
protocol LineListener: Conversation {
    /// What came.
    var lines: LineBuffer { get set }

    /// Takes the next line.
    mutating func accept(_ line: String) -> ConversationStep
}

extension LineListener {
    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep {
        do {
            try lines.append(bytes)
            while let line = try lines.next() {
                let step = accept(line)
                if step != .wait {
                    // A server that talks ahead of its turn gains nothing, least of all what comes before TLS stands.
                    lines.discard()
                    return step
                }
            }
        } catch {
            return .finish(.down(error.description))
        }
        return .wait
    }
}
