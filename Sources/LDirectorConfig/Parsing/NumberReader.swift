// SPDX-License-Identifier: Apache-2.0

/// Reads numbers the way the file format always has: the first run of decimal digits counts.
struct NumberReader {
    let findings: Findings

    /// The first run of digits of `token`, with a warning when there was anything else; nil after an error.
    func number(_ token: Token, for name: Token, in range: ClosedRange<Int>) -> Int? {
        let digits = token.drop { !$0.isDigit }.prefix(while: \.isDigit)
        guard !digits.isEmpty else {
            findings.error(.badNumber, token, "\(name.quoted) needs a number, not \(token.quoted)")
            return nil
        }
        guard let value = Self.value(digits), range.contains(value) else {
            findings.error(.badNumber, digits, Self.outOfRange(digits, for: name, range))
            return nil
        }
        if digits.bytes.count < token.bytes.count {
            findings.warning(.droppedText, token, "only the number \(value) of \(token.quoted) is used")
        }
        return value
    }

    /// A duration in seconds; a fraction counts when the whole value is written as one, or with `ms` behind it.
    func seconds(
        _ token: Token,
        for name: Token,
        allowsZero: Bool,
        allowsFraction: Bool,
        maximum: Int
    ) -> Duration? {
        let whole = token.prefix(while: \.isDigit)
        let point = token.suffix(from: whole.bytes.endIndex)
        let fraction = point.dropFirst()
        if allowsFraction, !whole.isEmpty, point.starts(with: "."), fraction.all(\.isDigit) {
            findings.relaxed(token, "a fraction of a second")
            return fractional(token, whole: whole, fraction: fraction, for: name, maximum: maximum)
        }
        if allowsFraction, !whole.isEmpty, point == "ms" {
            // The Perl program would take the digits for seconds.
            findings.relaxed(token, "milliseconds")
            return number(whole, for: name, in: (allowsZero ? 0 : 1)...maximum).map { .milliseconds($0) }
        }
        return number(token, for: name, in: (allowsZero ? 0 : 1)...maximum).map { .seconds($0) }
    }

    private func fractional(
        _ token: Token,
        whole: Token,
        fraction: Token,
        for name: Token,
        maximum: Int
    ) -> Duration? {
        guard let seconds = Self.value(whole), seconds <= maximum else {
            findings.error(.badNumber, token, Self.outOfRange(token, for: name, 0...maximum))
            return nil
        }
        // Milliseconds are as fine as any timer here; further digits are cut.
        let digits = fraction.bytes.prefix(3)
        let padded = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        let scale = [1, 100, 10, 1][digits.count]
        let duration = Duration.milliseconds(seconds * 1000 + padded * scale)
        guard duration > .zero else {
            findings.error(.badNumber, token, "\(name.quoted) must be at least 0.001 seconds")
            return nil
        }
        return duration
    }

    /// The value of a run of digits; nil when it does not fit.
    static func value(_ digits: Token) -> Int? {
        var value = 0
        for byte in digits.bytes {
            let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(Int(byte) - Int(UInt8(ascii: "0")))
            guard !tooBig, !overflow else {
                return nil
            }
            value = sum
        }
        return digits.isEmpty ? nil : value
    }

    private static func outOfRange(_ digits: Token, for name: Token, _ range: ClosedRange<Int>) -> String {
        "\(digits.quoted) is out of range, \(name.quoted) takes \(range.lowerBound) to \(range.upperBound)"
    }
}
