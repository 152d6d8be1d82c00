// SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259) that can be written; members keep their order.
public indirect enum JSONValue: Sendable {
    /// Nothing.
    case null
    /// true or false.
    case boolean(Bool)
    /// A whole number.
    case number(Int)
    /// A time in seconds, with a fraction down to microseconds.
    case decimal(Duration)
    /// A text.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object; its members keep this order.
    case object([(String, JSONValue)])

    /// A text, or null.
    public static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }

    /// A number, or null.
    public static func optional(_ number: Int?) -> JSONValue { number.map(JSONValue.number) ?? .null }

    /// A boolean, or null.
    public static func optional(_ value: Bool?) -> JSONValue { value.map(JSONValue.boolean) ?? .null }

    /// The value without white space.
    public var text: String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let value): String(value)
        case .decimal(let value): value.secondsText
        case .string(let value): Self.quote(value)
        case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(Self.quote($0.0)):\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\0"..."\u{1f}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension Duration {
    /// Seconds as a decimal number, down to microseconds, without needless zeros: `5`, `0.004217`.
    public var secondsText: String {
        let (seconds, attoseconds) = components
        let microseconds = Swift.abs(seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        var text = String(microseconds / 1_000_000)
        if microseconds % 1_000_000 != 0 {
            text += "." + String(1_000_000 + microseconds % 1_000_000).dropFirst()
            while text.last == "0" {
                text.removeLast()
            }
        }
        return seconds < 0 || attoseconds < 0 ? "-" + text : text
    }
}
