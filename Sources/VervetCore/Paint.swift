// SPDX-License-Identifier: Apache-2.0

/// Colours for a terminal, or none.
public struct Paint: Sendable {
    /// Whether there are colours.
    public let isOn: Bool

    /// Chooses.
    public init(isOn: Bool) { self.isOn = isOn }

    /// Colours belong to a terminal that nobody has asked to go without (NO_COLOR, no-color.org; TERM=dumb).
    public init(isTerminal: Bool, noColor: String?, terminal: String?) {
        isOn = isTerminal && (noColor ?? "").isEmpty && terminal != nil && terminal != "dumb"
    }

    func bold(_ text: String) -> String { wrap(text, "1") }
    func good(_ text: String) -> String { wrap(text, "32") }
    func bad(_ text: String) -> String { wrap(text, "1;31") }
    func warning(_ text: String) -> String { wrap(text, "33") }
    func faint(_ text: String) -> String { wrap(text, "2") }

    private func wrap(_ text: String, _ code: String) -> String {
        isOn && !text.isEmpty ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}

/// Rows whose columns are as wide as their widest cell.
struct Columns {
    private var rows: [[(text: String, painted: String)]] = []
    private let indent: String

    init(indent: String) { self.indent = indent }

    mutating func add(_ cells: [(String, (String) -> String)]) {
        rows.append(cells.map { ($0.0, $0.1($0.0)) })
    }

    var lines: [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.map { column < $0.count ? $0[column].text.unicodeScalars.count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                line += cell.painted
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.text.unicodeScalars.count + 2)
                }
            }
            while line.last == " " {
                line.removeLast()
            }
            return line
        }
    }
}
