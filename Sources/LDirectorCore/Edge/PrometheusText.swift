// SPDX-License-Identifier: Apache-2.0

/// Figures in Prometheus' text format, version 0.0.4, written family by family.
public struct PrometheusText: Sendable {
    /// Whether a figure only grows.
    public enum Kind: String, Sendable {
        case counter
        case gauge
    }

    /// Names and values that tell one figure of a family from another; made once for many families.
    public struct Labels: Sendable {
        fileprivate let text: String

        /// Joins labels; the values may contain anything.
        public init(_ labels: KeyValuePairs<String, String> = [:]) {
            text = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        }

        private init(text: String) { self.text = text }

        /// These labels and one more.
        public func with(_ name: String, _ value: String) -> Labels {
            let label = "\(name)=\"\(Self.escaped(value))\""
            return Labels(text: text.isEmpty ? label : "\(text),\(label)")
        }

        private static func escaped(_ text: String) -> String {
            guard text.utf8.contains(where: { $0 == 0x5c || $0 == 0x22 || $0 == 0x0a }) else {
                return text
            }
            var result = ""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\\": result += "\\\\"
                case "\"": result += "\\\""
                case "\n": result += "\\n"
                default: result.unicodeScalars.append(scalar)
                }
            }
            return result
        }
    }

    private var text = ""
    private var name = ""
    private var heading = ""

    /// An empty document.
    public init() {}

    /// Begins a family of figures; one without a figure is left out.
    ///
    /// - Parameters:
    ///   - name: A name of letters, digits and underscores.
    ///   - kind: Whether it only grows.
    ///   - help: What it tells, in one sentence.
    public mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        heading = "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// Adds a figure to the family; `value` is a decimal number.
    public mutating func add(_ value: String, _ labels: Labels = Labels()) {
        if !heading.isEmpty {
            text += heading
            heading = ""
        }
        text += name
        if !labels.text.isEmpty {
            text += "{"
            text += labels.text
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    /// Adds a whole number to the family.
    public mutating func add(_ value: some BinaryInteger, _ labels: Labels = Labels()) {
        add(String(value), labels)
    }

    /// What was written since this was called last; the document goes on behind it.
    public mutating func take() -> String {
        defer { text = "" }
        return text
    }
}
