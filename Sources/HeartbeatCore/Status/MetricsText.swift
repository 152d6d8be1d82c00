// SPDX-License-Identifier: Apache-2.0

/// Writes metrics in Prometheus' text format 0.0.4.
struct MetricsText {
    private(set) var text = ""

    /// A family of metrics: its head, then one line a sample.
    ///
    /// - Parameters:
    ///   - name: The name without `vervet_heartbeat_`; counters end in `_total`.
    ///   - help: What it is.
    ///   - samples: Labels and values; without samples nothing is written.
    mutating func add(_ name: String, _ help: String, _ samples: [(labels: [(String, String)], value: String)]) {
        guard !samples.isEmpty else {
            return
        }
        let full = "vervet_heartbeat_\(name)"
        text += "# HELP \(full) \(help)\n# TYPE \(full) \(name.hasSuffix("_total") ? "counter" : "gauge")\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
            text += full + (labels.isEmpty ? "" : "{\(labels)}") + " \(sample.value)\n"
        }
    }

    /// A family with one sample without labels.
    mutating func add(_ name: String, _ help: String, _ value: Int?) {
        add(name, help, value.map { [([], String($0))] } ?? [])
    }

    private static func escape(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }
}
