// SPDX-License-Identifier: Apache-2.0

/// A mail, and its form on the wire (RFC 5322, RFC 2047).
public struct MailMessage: Sendable, Equatable {
    /// Addresses of the recipients.
    public let recipients: [String]

    /// The From header as configured; nil is `user@host`.
    public let sender: String?

    /// The host that takes it on port 25; nil is the local mailer.
    public internal(set) var relay: String?

    /// The subject, in Unicode.
    public let subject: String

    /// The lines of the text.
    public let lines: [String]

    /// Describes a mail.
    public init(
        recipients: [String],
        sender: String? = nil,
        relay: String? = nil,
        subject: String,
        lines: [String]
    ) {
        self.recipients = recipients
        self.sender = sender
        self.relay = relay
        self.subject = subject
        self.lines = lines
    }

    /// What the wire form needs beside the mail itself.
    public struct Origin: Sendable, Equatable {
        /// `user@host`: the envelope's sender, and the From header where none is configured.
        public let address: String
        /// The date as RFC 5322 wants it.
        public let date: String
        /// What makes the mail's name unique: without white space and angle brackets.
        public let identity: String

        /// Describes an origin.
        public init(address: String, date: String, identity: String) {
            self.address = address
            self.date = date
            self.identity = identity
        }
    }

    /// Header and text with CR LF at the end of each line; nothing in the mail can add a header line or end it early.
    public func encoded(_ origin: Origin) -> [UInt8] {
        let isPlain = lines.allSatisfy { $0.utf8.allSatisfy { $0 < 128 } }
        let header = [
            "From: \(Self.header(sender ?? origin.address))",
            "To: \(recipients.map(Self.header).joined(separator: ",\r\n "))",
            "Subject: \(Self.header(subject))",
            "Date: \(origin.date)",
            "Message-ID: <\(origin.identity)>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: \(isPlain ? "7bit" : "base64")",
        ]
        let text = lines.flatMap { Self.folded(Self.clean($0)) }.joined(separator: "\r\n") + "\r\n"
        let body = isPlain ? Array(text.utf8) : Self.base64Lines(Array(text.utf8))
        return Array((header.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }

    /// One line without control characters.
    private static func clean(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    }

    /// A header's value: as it is in ASCII, else as encoded words of RFC 2047; long ones are folded at blanks.
    private static func header(_ text: String) -> String {
        let text = clean(text)
        guard text.utf8.allSatisfy({ $0 < 128 }) else {
            var words: [String] = []
            var word: [UInt8] = []
            for character in text.unicodeScalars {
                let bytes = Array(String(character).utf8)
                if word.count + bytes.count > 42 {
                    words.append("=?utf-8?B?\(base64(word))?=")
                    word = []
                }
                word += bytes
            }
            words.append("=?utf-8?B?\(base64(word))?=")
            return words.joined(separator: "\r\n ")
        }
        var lines = [""]
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let last = lines[lines.count - 1]
            if last.utf8.count + word.utf8.count > 70, last.contains(where: { $0 != " " }), !word.isEmpty {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = lines.count == 1 && last.isEmpty ? String(word) : "\(last) \(word)"
            }
        }
        return lines.joined(separator: "\r\n ")
    }

    /// Pieces no longer than a line of a mail may be (998 bytes).
    private static func folded(_ line: String) -> [String] {
        guard line.utf8.count > 990 else {
            return [line]
        }
        var pieces = [""]
        for character in line {
            if pieces[pieces.count - 1].utf8.count + character.utf8.count > 990 {
                pieces.append("")
            }
            pieces[pieces.count - 1].append(character)
        }
        return pieces
    }

    private static func base64Lines(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            result += Array((base64(Array(rest.prefix(57))) + "\r\n").utf8)
            rest = rest.dropFirst(57)
        }
        return result
    }

    /// RFC 4648, section 4.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for position in 0..<4 {
                text.append(position <= group.count ? alphabet[value >> (18 - 6 * position) & 63] : "=")
            }
        }
        return text
    }
}
