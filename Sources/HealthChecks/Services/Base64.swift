// SPDX-License-Identifier: Apache-2.0
import COpenSSL

/// Base64 as the mail protocols use it (RFC 4648, 4), one line.
enum Base64 {
    /// The text for bytes.
    static func encode(_ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&text, bytes, CInt(bytes.count))
        return String(decoding: text.prefix(Int(max(0, count))), as: UTF8.self)
    }

    /// The bytes of a text; nil when it is not Base64.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        let source = Array(text)
        var bytes = [UInt8](repeating: 0, count: source.count / 4 * 3 + 3)
        let count = EVP_DecodeBlock(&bytes, source, CInt(source.count))
        guard count >= 0, source.count % 4 == 0 else {
            return nil
        }
        // The library counts the padding as zero bytes.
        let padding = source.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return Array(bytes.prefix(max(0, Int(count) - min(padding, 2))))
    }
}

/// Bytes as lower-case hexadecimal digits.
func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
