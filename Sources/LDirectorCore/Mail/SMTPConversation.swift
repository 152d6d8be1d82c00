// SPDX-License-Identifier: Apache-2.0

/// Our side of an SMTP session that hands over one mail (RFC 5321); bytes in, bytes out, no I/O.
public struct SMTPConversation: Sendable {
    /// How it ended.
    public enum Outcome: Sendable, Equatable {
        /// Taken, for all recipients or without those that were refused for good.
        case accepted(refused: [String])
        /// Not taken, but it may be later.
        case deferred(String)
        /// Not taken, and it never will be.
        case rejected(String)
    }

    /// What to do now.
    public enum Step: Sendable, Equatable {
        /// Wait for more bytes.
        case wait
        /// Send these bytes.
        case send([UInt8])
        /// Send these bytes, then close: it is over.
        case end(Outcome, farewell: [UInt8])
    }

    private enum Stage: Equatable {
        case greeting, hello, oldHello, sender, recipient(Int), data, content
    }

    /// The longest answer that is read, in bytes.
    private static let answerLimit = 65536

    private let host: String
    private let sender: String
    private let recipients: [String]
    private let content: [UInt8]
    private var stage = Stage.greeting
    private var input: [UInt8] = []
    private var refused: [String] = []
    private var postponed: String?

    /// Prepares a session; the server speaks first.
    ///
    /// - Parameters:
    ///   - host: Our name, for EHLO.
    ///   - sender: The envelope's sender.
    ///   - recipients: The envelope's recipients, at least one.
    ///   - content: The mail as ``MailMessage/encoded(_:)`` made it.
    public init(host: String, sender: String, recipients: [String], content: [UInt8]) {
        self.host = Self.word(host)
        self.sender = Self.word(sender)
        self.recipients = recipients.map(Self.word)
        self.content = content
    }

    /// Takes bytes of the server.
    public mutating func receive(_ bytes: some Sequence<UInt8>) -> Step {
        input += bytes
        guard let reply = takeReply() else {
            return input.count > Self.answerLimit ? end(.deferred("the server's answer is too long")) : .wait
        }
        return answer(reply.code, reply.text)
    }

    private mutating func answer(_ code: Int, _ text: String) -> Step {
        let isYes = (200..<400).contains(code)
        switch stage {
        case .greeting where code == 220:
            stage = .hello
            return command("EHLO \(host)")
        case .hello where !isYes && code / 100 == 5:
            stage = .oldHello
            return command("HELO \(host)")
        case .hello where isYes, .oldHello where isYes:
            stage = .sender
            return command("MAIL FROM:<\(sender)>")
        case .sender where isYes:
            stage = .recipient(0)
            return command("RCPT TO:<\(recipients.first ?? "")>")
        case .recipient(let index): return nextRecipient(index, isYes, code, text)
        case .data where code == 354:
            stage = .content
            return .send(Self.dotted(content))
        case .content where isYes: return end(.accepted(refused: refused))
        default:
            return end(code / 100 == 5 ? .rejected(text) : .deferred(text))
        }
    }

    private mutating func nextRecipient(_ index: Int, _ isYes: Bool, _ code: Int, _ text: String) -> Step {
        if !isYes {
            refused.append(recipients[index])
            if code / 100 != 5 {
                postponed = text
            }
        }
        if index + 1 < recipients.count {
            stage = .recipient(index + 1)
            return command("RCPT TO:<\(recipients[index + 1])>")
        }
        guard refused.count < recipients.count else {
            return end(postponed.map { .deferred($0) } ?? .rejected(text))
        }
        stage = .data
        return command("DATA")
    }

    /// The next complete reply, its lines joined; nil while more bytes are needed.
    private mutating func takeReply() -> (code: Int, text: String)? {
        var lines: [Substring] = []
        var rest = input[...]
        while let end = rest.firstIndex(of: 0x0a) {
            let line = String(decoding: rest[..<end], as: UTF8.self)
            rest = rest[(end + 1)...]
            lines.append(line.split(whereSeparator: \.isNewline).first ?? "")
            // "250-" goes on, "250 " or "250" is the last line.
            if line.utf8.count < 4 || line.utf8.dropFirst(3).first != UInt8(ascii: "-") {
                input = Array(rest)
                let code = Int(line.prefix(3)) ?? 0
                let text = lines.map(String.init).joined(separator: " / ")
                return (code, String(text.prefix(300)))
            }
        }
        return nil
    }

    private func command(_ text: String) -> Step { .send(Array((text + "\r\n").utf8)) }

    private func end(_ outcome: Outcome) -> Step { .end(outcome, farewell: Array("QUIT\r\n".utf8)) }

    /// Nothing in a name or an address can end a command line.
    private static func word(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.value > 32 && $0.value != 127 && $0 != "<" && $0 != ">" }
            )
        )
    }

    /// The mail with a dot before each dot that starts a line, and the end mark (RFC 5321, 4.5.2).
    private static func dotted(_ content: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var isLineStart = true
        for byte in content {
            if isLineStart, byte == UInt8(ascii: ".") {
                result.append(byte)
            }
            result.append(byte)
            isLineStart = byte == 0x0a
        }
        return result + Array((isLineStart ? ".\r\n" : "\r\n.\r\n").utf8)
    }
}
