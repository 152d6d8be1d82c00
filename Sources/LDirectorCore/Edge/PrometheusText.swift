// SPDX-License-Identifier: Apache-2.0

/// Figures in Prometheus' text format, version 0.0.4.
public struct PrometheusText: Sendable {
    /// Whether a figure only grows.
    public enum Kind: String, Sendable {
        case counter
        case gauge
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
    ///   - samples: Labels with their values, and the figure as a decimal number.
    public mutating func add(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ samples: [(labels: [(String, String)], value: String)]
    ) {
        guard !samples.isEmpty else {
            return
        }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
            text += labels.isEmpty ? "\(name) \(sample.value)\n" : "\(name){\(labels)} \(sample.value)\n"
        }
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
