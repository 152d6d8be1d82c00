// SPDX-License-Identifier: Apache-2.0

/// Any text to send and what must come back, over TCP or UDP (`service=simpletcp`, `service=udp`).
public struct TextExchange: Hashable, Sendable {
    /// What is sent; nothing when the server speaks first.
    public var request: [UInt8]

    /// What a line, or the text so far, must contain; nil when anything will do.
    public var receive: Pattern?

    /// What must not come before ``receive`` is satisfied, or before the end where that is nil; nil forbids nothing.
    public var receiveNot: Pattern?

    /// Whether a server is up that takes the datagram and says nothing: only an ICMP error tells against it.
    public var acceptsSilence = false

    /// Describes an exchange.
    ///
    /// - Parameters:
    ///   - request: The text with the escapes `\n`, `\r`, `\t`, `\\` and `\xHH`; others stay as they are.
    ///   - receive: The expected text; nil when anything will do.
    ///   - receiveNot: The forbidden text; nil when there is none.
    public init(request: String, receive: Pattern?, receiveNot: Pattern? = nil) {
        self.request = Self.unescaped(request)
        self.receive = receive
        self.receiveNot = receiveNot
    }

    private static func unescaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let letter = rest.first else {
                bytes.append(byte)
                continue
            }
            switch letter {
            case UInt8(ascii: "n"): bytes.append(0x0a)
            case UInt8(ascii: "r"): bytes.append(0x0d)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "\\"): bytes.append(byte)
            case UInt8(ascii: "x"):
                let digits = String(decoding: rest.dropFirst().prefix(2), as: UTF8.self)
                guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16), digits.first != "+" else {
                    bytes.append(byte)
                    continue
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default:
                bytes.append(byte)
                continue
            }
            rest = rest.dropFirst()
        }
        return bytes
    }
}
