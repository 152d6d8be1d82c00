// SPDX-License-Identifier: Apache-2.0

/// A hardware address: 6 bytes on Ethernet, 20 on InfiniBand.
public struct LinkLayerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The bytes in the order in which they are sent.
    public let bytes: [UInt8]

    /// Makes an address from 1 to 32 bytes (the kernel's MAX_ADDR_LEN); nil otherwise.
    public init?(bytes: some Collection<UInt8>) {
        guard (1...32).contains(bytes.count) else {
            return nil
        }
        self.bytes = Array(bytes)
    }

    /// Parses pairs of hex digits with colons, with dashes, or bare; nil for anything else.
    public init?(_ text: String) {
        let characters = Array(text.utf8)
        var digits: [UInt8] = []
        if let separator = characters.dropFirst(2).first, [UInt8(ascii: ":"), UInt8(ascii: "-")].contains(separator) {
            for (index, character) in characters.enumerated() {
                if index % 3 == 2 {
                    guard character == separator else {
                        return nil
                    }
                } else {
                    digits.append(character)
                }
            }
            guard characters.count % 3 == 2 else {
                return nil
            }
        } else {
            digits = characters
        }
        guard digits.count.isMultiple(of: 2) else {
            return nil
        }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(ofHexDigit: digits[index]), let low = Self.value(ofHexDigit: digits[index + 1])
            else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        self.init(bytes: bytes)
    }

    private static func value(ofHexDigit character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Lower-case hex pairs with colons.
    public var description: String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.utf8.count == 1 ? "0" + text : text
        }.joined(separator: ":")
    }
}
