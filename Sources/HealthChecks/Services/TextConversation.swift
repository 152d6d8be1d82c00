// SPDX-License-Identifier: Apache-2.0

/// Sends a text, ends its side, and looks for the expected one in what comes back.
struct TextConversation: Conversation {
    /// Bytes that are looked at.
    static let limit = 65536

    private let exchange: TextExchange
    private let isStream: Bool
    private var text: [UInt8] = []
    private var lineStart = 0
    private var budget = SearchBudget()

    init(_ exchange: TextExchange, _ transport: Probe.Transport) {
        self.exchange = exchange
        isStream = transport == .tcp
    }

    var acceptsSilence: Bool { exchange.acceptsSilence && exchange.receive == nil }

    func opening() -> [UInt8] { exchange.request }

    /// Servers that read to the end of the request answer only then.
    var endsAfterOpening: Bool { isStream && !exchange.request.isEmpty }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep {
        guard exchange.receive != nil || exchange.receiveNot != nil else {
            return .finish(.up)
        }
        var searched = text.count
        text.append(contentsOf: bytes.prefix(Self.limit - text.count))
        // Each line for itself first, so that `^` and `$` mean what they mean for a line.
        while let end = text[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(text[lineStart...end])
            lineStart = end + 1
            searched = lineStart
            if let outcome = outcome(of: line) {
                return .finish(outcome)
            }
        }
        if text.count >= Self.limit || !isStream {
            return judge()
        }
        return .wait
    }

    mutating func end() -> ConversationStep {
        guard !text.isEmpty else {
            return .finish(.down("server closed the connection without sending anything"))
        }
        return judge()
    }

    /// What is decided by a part of the answer; nil when the rest may still decide.
    private mutating func outcome(of part: [UInt8]) -> CheckOutcome? {
        // What must not be there says more about the fault than what is missing.
        if let pattern = exchange.receiveNot {
            switch budget.search(pattern, part) {
            case .found: return .down("the answer contains \"\(pattern)\"")
            case .absent: break
            case .tooComplex: return pattern.tooComplex
            }
        }
        if let pattern = exchange.receive {
            switch budget.search(pattern, part) {
            case .found: return .up
            case .absent: break
            case .tooComplex: return pattern.tooComplex
            }
        }
        return nil
    }

    private mutating func judge() -> ConversationStep {
        .finish(
            outcome(of: text) ?? exchange.receive.map { .down("the answer does not match \"\($0)\"") } ?? .up
        )
    }
}
