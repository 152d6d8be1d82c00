// SPDX-License-Identifier: Apache-2.0

extension Duration {
    /// Seconds for an operator to read: "5 s", "0.25 s".
    public var inSeconds: String {
        let (seconds, attoseconds) = components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else {
            return "\(seconds) s"
        }
        var digits = String(1000 + milliseconds).dropFirst()
        while digits.last == "0" {
            digits.removeLast()
        }
        return "\(seconds).\(digits) s"
    }
}
