// SPDX-License-Identifier: Apache-2.0

/// Figures in Prometheus' text format, version 0.0.4.
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

    /// The document so far.
    public private(set) var text = ""

    /// An empty document.
    public init() {}

    /// Adds a family of figures; one without a figure is left out.
    ///
    /// - Parameters:
    ///   - name: A name of letters, digits and underscores.
    ///   - kind: Whether it only grows.
    ///   - help: What it tells, in one sentence.
    ///   - samples: Labels and the figure as a decimal number.
    public mutating func add(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ samples: [(labels: Labels, value: String)]
    ) {
        guard !samples.isEmpty else {
            return
        }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            text += name
            if !sample.labels.text.isEmpty {
                text += "{"
                text += sample.labels.text
                text += "}"
            }
            text += " "
            text += sample.value
            text += "\n"
        }
    }
}
