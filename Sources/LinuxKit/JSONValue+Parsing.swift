// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Deepest nesting that is read.
    private static let depthLimit = 64

    /// Reads a document (RFC 8259); nil for anything else, also when something follows it.
    ///
    /// A number with a fraction or an exponent is kept as a time in seconds; digits below a microsecond are dropped.
    public init?(parsing text: String) {
        var parser = Parser(bytes: Array(text.utf8))
        guard let value = parser.value(depth: Self.depthLimit), parser.isAtEnd else {
            return nil
        }
        self = value
    }

    /// The member of an object; nil when there is none, or this is no object.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else {
            return nil
        }
        return members.first { $0.0 == name }?.1
    }

    /// The text, if it is one.
    public var string: String? {
        guard case .string(let text) = self else {
            return nil
        }
        return text
    }

    /// The whole number, if it is one.
    public var integer: Int? {
        switch self {
        case .number(let number): number
        case .decimal(let duration): Int(clamping: duration.components.seconds)
        default: nil
        }
    }

    /// The boolean, if it is one.
    public var boolean: Bool? {
        guard case .boolean(let value) = self else {
            return nil
        }
        return value
    }

    /// The time in seconds, if it is a number.
    public var seconds: Duration? {
        switch self {
        case .number(let number): .seconds(Int64(clamping: number))
        case .decimal(let duration): duration
        default: nil
        }
    }

    /// The elements of an array; none for anything else.
    public var elements: [JSONValue] {
        guard case .array(let elements) = self else {
            return []
        }
        return elements
    }

    /// The members of an object; none for anything else.
    public var members: [(String, JSONValue)] {
        guard case .object(let members) = self else {
            return []
        }
        return members
    }

    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool {
            mutating get {
                skipBlanks()
                return position == bytes.count
            }
        }

        private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skipBlanks() {
            while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
                position += 1
            }
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard current == byte else {
                return false
            }
            position += 1
            return true
        }

        private mutating func take(word: String) -> Bool {
            guard bytes[position...].starts(with: word.utf8) else {
                return false
            }
            position += word.utf8.count
            return true
        }

        mutating func value(depth: Int) -> JSONValue? {
            skipBlanks()
            guard depth > 0, let byte = current else {
                return nil
            }
            switch byte {
            case UInt8(ascii: "{"): return object(depth)
            case UInt8(ascii: "["): return array(depth)
            case UInt8(ascii: "\""): return text().map(JSONValue.string)
            case UInt8(ascii: "t"): return take(word: "true") ? .boolean(true) : nil
            case UInt8(ascii: "f"): return take(word: "false") ? .boolean(false) : nil
            case UInt8(ascii: "n"): return take(word: "null") ? .null : nil
            default: return number()
            }
        }

        private mutating func object(_ depth: Int) -> JSONValue? {
            position += 1
            var members: [(String, JSONValue)] = []
            skipBlanks()
            if take(UInt8(ascii: "}")) {
                return .object([])
            }
            while true {
                skipBlanks()
                guard current == UInt8(ascii: "\""), let name = text() else {
                    return nil
                }
                skipBlanks()
                guard take(UInt8(ascii: ":")), let member = value(depth: depth - 1) else {
                    return nil
                }
                members.append((name, member))
                skipBlanks()
                if take(UInt8(ascii: "}")) {
                    return .object(members)
                }
                guard take(UInt8(ascii: ",")) else {
                    return nil
                }
            }
        }

        private mutating func array(_ depth: Int) -> JSONValue? {
            position += 1
            var elements: [JSONValue] = []
            skipBlanks()
            if take(UInt8(ascii: "]")) {
                return .array([])
            }
            while let element = value(depth: depth - 1) {
                elements.append(element)
                skipBlanks()
                if take(UInt8(ascii: "]")) {
                    return .array(elements)
                }
                guard take(UInt8(ascii: ",")) else {
                    return nil
                }
            }
            return nil
        }

        private mutating func text() -> String? {
            position += 1
            var found: [UInt8] = []
            while let byte = current {
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: found, as: UTF8.self)
                case UInt8(ascii: "\\"):
                    guard let scalar = escape() else {
                        return nil
                    }
                    found += Array(String(Character(scalar)).utf8)
                case 0..<0x20: return nil
                default: found.append(byte)
                }
            }
            return nil
        }

        private mutating func escape() -> Unicode.Scalar? {
            guard let byte = current else {
                return nil
            }
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return "\""
            case UInt8(ascii: "\\"): return "\\"
            case UInt8(ascii: "/"): return "/"
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{c}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "u"):
                guard let unit = fourDigits() else {
                    return nil
                }
                if let scalar = Unicode.Scalar(unit) {
                    return scalar
                }
                // Two units stand for one character; half of a pair is repaired.
                guard unit < 0xdc00, take(word: "\\u"), let low = fourDigits(), (0xdc00...0xdfff).contains(low) else {
                    return "\u{fffd}"
                }
                return Unicode.Scalar(0x10000 + (UInt32(unit) - 0xd800) << 10 + UInt32(low) - 0xdc00)
            default: return nil
            }
        }

        private mutating func fourDigits() -> UInt16? {
            guard bytes.count - position >= 4 else {
                return nil
            }
            let digits = bytes[position..<position + 4]
            position += 4
            var unit: UInt16 = 0
            for digit in digits {
                guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else {
                    return nil
                }
                unit = unit << 4 | UInt16(value)
            }
            return unit
        }

        private mutating func digits() -> ArraySlice<UInt8> {
            let start = position
            while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                position += 1
            }
            return bytes[start..<position]
        }

        private mutating func number() -> JSONValue? {
            let isNegative = take(UInt8(ascii: "-"))
            let whole = digits()
            guard !whole.isEmpty, let magnitude = Int(String(decoding: whole, as: UTF8.self)) else {
                return nil
            }
            let number = isNegative ? -magnitude : magnitude
            guard current == UInt8(ascii: ".") || current == UInt8(ascii: "e") || current == UInt8(ascii: "E") else {
                return .number(number)
            }
            var microseconds: Int64 = 0
            if take(UInt8(ascii: ".")) {
                let fraction = digits()
                guard !fraction.isEmpty else {
                    return nil
                }
                for index in 0..<6 {
                    let digit = index < fraction.count ? fraction[fraction.startIndex + index] : UInt8(ascii: "0")
                    microseconds = microseconds * 10 + Int64(digit - UInt8(ascii: "0"))
                }
            }
            // No program of ours writes exponents, and none is guessed at.
            guard current != UInt8(ascii: "e"), current != UInt8(ascii: "E"), magnitude < Int.max / 10 else {
                return nil
            }
            let fraction = Duration.microseconds(isNegative ? -microseconds : microseconds)
            return .decimal(.seconds(Int64(number)) + fraction)
        }
    }
}
