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
        guard let pattern = exchange.receive else {
            return .finish(.up)
        }
        var searched = text.count
        text.append(contentsOf: bytes.prefix(Self.limit - text.count))
        // Each line for itself first, so that `^` and `$` mean what they mean for a line.
        while let end = text[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(text[lineStart...end])
            lineStart = end + 1
            searched = lineStart
            switch budget.search(pattern, line) {
            case .found: return .finish(.up)
            case .tooComplex: return .finish(tooComplex)
            case .absent: continue
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

    private mutating func judge() -> ConversationStep {
        guard let pattern = exchange.receive else {
            return .finish(.up)
        }
        switch budget.search(pattern, text) {
        case .found: return .finish(.up)
        case .absent: return .finish(.down("the answer does not match \"\(pattern)\""))
        case .tooComplex: return .finish(tooComplex)
        }
    }

    private var tooComplex: CheckOutcome {
        .down("\"\(exchange.receive?.source ?? "")\" needs too many steps on this answer; write a simpler expression")
    }
}
