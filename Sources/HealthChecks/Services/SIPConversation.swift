// SPDX-License-Identifier: Apache-2.0

/// One OPTIONS request; up at a final answer of 2xx.
struct SIPConversation: Conversation {
    /// Bytes of an answer's header.
    static let limit = 16384

    private let options: SIPOptions
    private let transport: Probe.Transport
    private let identifier: String
    private var answer: [UInt8] = []
    private var searched = 0

    init(_ options: SIPOptions, _ transport: Probe.Transport) {
        self.options = options
        self.transport = transport
        identifier = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    func opening() -> [UInt8] {
        let address = clean(options.login)
        let host = clean(options.host)
        let lines = [
            "OPTIONS sip:\(address) SIP/2.0",
            "Via: SIP/2.0/\(transport == .udp ? "UDP" : "TCP") \(host);branch=z9hG4bK\(identifier);rport",
            "Max-Forwards: 70",
            "From: <sip:\(address)>;tag=\(identifier.prefix(8))",
            "To: <sip:\(address)>",
            "Contact: <sip:\(address)>",
            "Call-ID: \(identifier)@\(host)",
            "CSeq: 1 OPTIONS",
            "Accept: application/sdp",
            "Content-Length: 0",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    mutating func receive(_ bytes: ArraySlice<UInt8>) -> ConversationStep {
        if transport == .udp {
            answer = []
            searched = 0
        }
        answer.append(contentsOf: bytes.prefix(Self.limit - answer.count))
        while let end = findHeaderEnd() {
            let header = String(decoding: answer[..<end], as: UTF8.self)
            answer.removeSubrange(..<end)
            let step = judge(header)
            if step != .wait {
                return step
            }
        }
        // A datagram that is no whole answer is somebody's noise; a stream may bring the rest.
        return answer.count >= Self.limit && transport == .tcp
            ? .finish(.down("server sent a header longer than \(Self.limit) bytes")) : .wait
    }

    func end() -> ConversationStep { .finish(.down("server closed the connection before its answer")) }

    /// Where the header at the front ends; what was searched is not searched again, however small the portions are.
    private mutating func findHeaderEnd() -> Int? {
        while searched + 4 <= answer.count {
            if answer[searched..<searched + 4].elementsEqual([0x0d, 0x0a, 0x0d, 0x0a]) {
                defer { searched = 0 }
                return searched + 4
            }
            searched += 1
        }
        return nil
    }

    private func judge(_ header: String) -> ConversationStep {
        let lines = header.split(separator: "\r\n")
        let first = lines.first.map(String.init) ?? ""
        let words = first.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "SIP/2.0", words[1].utf8.count == 3, let status = Int(words[1]) else {
            return transport == .udp ? .wait : .finish(.down("server did not answer with SIP: \"\(printable(first))\""))
        }
        // An answer to somebody else's request is none to ours.
        guard lines.contains(where: { $0.contains(identifier) }) else {
            return .wait
        }
        switch status {
        case 100...199: return .wait
        case 200...299: return .finish(.up)
        default: return .finish(.down("answered \"\(printable(first))\""))
        }
    }

    /// Keeps a value from breaking out of its place in the request.
    private func clean(_ text: String) -> String {
        String(text.map { $0.isASCII && $0 > " " && $0 != "<" && $0 != ">" && $0 != "\u{7f}" ? $0 : "_" })
    }
}
