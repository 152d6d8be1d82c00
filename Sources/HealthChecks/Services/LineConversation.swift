// SPDX-License-Identifier: Apache-2.0

/// Plays a ``LineDialogue`` with a server.
struct LineConversation: LineListener {
    private let dialogue: LineDialogue
    private var position = 0
    private var triedOtherwise = false
    var lines = LineBuffer()

    init(_ dialogue: LineDialogue) { self.dialogue = dialogue }

    /// Once the server has greeted.
    var farewell: [UInt8] { position > 0 ? outgoing(dialogue.farewell) : [] }

    func opening() -> [UInt8] { outgoing(dialogue.steps.first?.send) }

    func end() -> ConversationStep {
        .finish(.down("server closed the connection before its \(stepName)"))
    }

    private var stepName: String { position < dialogue.steps.count ? dialogue.steps[position].name : "end" }

    mutating func accept(_ text: String) -> ConversationStep {
        guard position < dialogue.steps.count else {
            return .finish(.up)
        }
        let step = dialogue.steps[position]
        let code = text.prefix(3)
        if dialogue.hasContinuations, text.dropFirst(3).first == "-", code.allSatisfy(\.isNumber) {
            return .wait
        }
        if dialogue.isTagged, let tag = step.send?.prefix(while: { $0 != " " }), !text.hasPrefix(tag) {
            return .wait
        }
        guard step.accept.contains(where: text.hasPrefix) else {
            if let otherwise = step.otherwise, !triedOtherwise {
                triedOtherwise = true
                return .send(outgoing(otherwise))
            }
            return .finish(.down("\(step.name) refused: \(quoted(text.utf8, hiding: dialogue.secret))"))
        }
        position += 1
        triedOtherwise = false
        return step.beginsTLS ? .startTLS : next()
    }

    func secured() -> ConversationStep { next() }

    private func next() -> ConversationStep {
        position < dialogue.steps.count ? .send(outgoing(dialogue.steps[position].send)) : .finish(.up)
    }

    private func outgoing(_ text: String?) -> [UInt8] { text.map { Array(($0 + "\r\n").utf8) } ?? [] }
}

/// Text of a peer made fit for one log line: at most 100 characters, control characters as `?`.
func printable(_ text: String) -> String {
    String(text.prefix(100).map { $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? "?" : $0 })
        .trimmingBlanks()
}
