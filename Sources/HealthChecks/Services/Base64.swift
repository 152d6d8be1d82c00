// SPDX-License-Identifier: Apache-2.0

/// Base64 with padding, in one line (RFC 4648 section 4).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of some bytes.
    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | Int($1) } << ((3 - group.count) * 8)
            for index in 0..<4 {
                text.append(index <= group.count ? alphabet[value >> (18 - index * 6) & 0x3f] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a text; nil when it is not exactly what encoding gives.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        let characters = Array(text)
        let digits = characters.prefix { $0 != UInt8(ascii: "=") }
        let padding = characters.count - digits.count
        guard characters.count % 4 == 0, padding <= 2,
            characters.suffix(padding).allSatisfy({ $0 == UInt8(ascii: "=") })
        else {
            return nil
        }
        var bytes: [UInt8] = []
        var value: UInt32 = 0
        var bits = 0
        for digit in digits {
            guard let index = alphabet.firstIndex(of: digit) else {
                return nil
            }
            value = (value & 0xff) << 6 | UInt32(index)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: value >> bits))
            }
        }
        // Bits that make no whole byte must be zero (RFC 4648 3.5): each value has one text only.
        return value & (1 << bits - 1) == 0 ? bytes : nil
    }
}

/// Bytes as lower-case hexadecimal digits.
func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
