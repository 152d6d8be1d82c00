// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The value of a `real` or `real6` line before its names are looked up.
struct RealLine {
    /// The whole value, for findings about the server as such.
    let token: Token
    let host: HostText
    let lastHost: HostText?
    let port: PortText?
    let forwarding: ForwardingMethod
    let weight: Int
    let content: CheckContent?
    let lowerThreshold: UInt32
    let upperThreshold: UInt32
}

/// Reads `real` lines from start to end; nothing on the line is skipped.
struct RealLineReader {
    let endpoints: EndpointReader
    let values: ValueReader

    private var findings: Findings { endpoints.findings }

    /// The line; nil after an error.
    func read(_ value: Token, name: Token, family: IPAddress.Family) -> RealLine? {
        let (place, afterPlace) = value.firstWord
        guard let (host, lastHost, port) = readPlace(place, family: family) else {
            return nil
        }
        guard let forwarding = ForwardingWord.read(afterPlace.firstWord.word, after: place, findings: findings) else {
            return nil
        }
        var rest = afterPlace.firstWord.rest
        guard let weight = readWeight(&rest), let content = readContent(&rest, name: name),
            let (lower, upper) = readThresholds(rest)
        else {
            return nil
        }
        return RealLine(
            token: value,
            host: host,
            lastHost: lastHost,
            port: port,
            forwarding: forwarding,
            weight: weight,
            content: content.pair,
            lowerThreshold: lower,
            upperThreshold: upper
        )
    }

    // MARK: host, range, port

    private func readPlace(
        _ place: Token,
        family: IPAddress.Family
    ) -> (host: HostText, lastHost: HostText?, port: PortText?)? {
        let (firstToken, arrowRest) = Self.splitArrow(place)
        if let arrowRest, family == .ipv6 {
            findings.error(.badAddress, arrowRest, "a range of IPv6 addresses is not supported")
            return nil
        }
        let (lastToken, portToken) = endpoints.splitPort(arrowRest ?? firstToken)
        guard let first = endpoints.host(arrowRest == nil ? lastToken : firstToken), matches(first, family) else {
            return nil
        }
        var last: HostText?
        if arrowRest != nil {
            guard let host = endpoints.host(lastToken), matches(host, family) else {
                return nil
            }
            last = host
        }
        guard let portToken else {
            return (first, last, nil)
        }
        guard let port = endpoints.port(portToken) else {
            return nil
        }
        return (first, last, port)
    }

    private func matches(_ host: HostText, _ family: IPAddress.Family) -> Bool {
        guard case .address(let address) = host.value, address.family != family else {
            return true
        }
        let block = family == .ipv4 ? "an IPv4" : "an IPv6"
        findings.error(.family, host.token, "\(host.token.quoted) cannot serve \(block) virtual server")
        return false
    }

    private static func splitArrow(_ place: Token) -> (first: Token, rest: Token?) {
        let dash = place.bytes.indices.first { index in
            place.bytes[index] == UInt8(ascii: "-") && index + 1 < place.bytes.endIndex
                && place.bytes[index + 1] == UInt8(ascii: ">")
        }
        guard let dash else {
            return (place, nil)
        }
        return (place.prefix(upTo: dash), place.suffix(from: dash + 2))
    }

    // MARK: weight

    private func readWeight(_ rest: inout Token) -> Int? {
        let (word, next) = rest.firstWord
        guard let first = word.bytes.first, first.isDigit || first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        else {
            return 1
        }
        guard word.all(\.isDigit), let weight = NumberReader.value(word), weight <= 65_535 else {
            findings.error(.badNumber, word, "a weight is a number from 0 to 65535, not \(word.quoted)")
            return nil
        }
        rest = next
        return weight
    }

    // MARK: request and receive

    private func readContent(_ rest: inout Token, name: Token) -> (pair: CheckContent?, Void)? {
        guard rest.starts(with: "\"") else {
            return (nil, ())
        }
        let closing = rest.lastIndex(of: "\"") ?? rest.bytes.startIndex
        let pair = rest.prefix(upTo: closing + 1)
        let splits = Self.separators(pair)
        guard let split = splits.first, splits.count == 1 else {
            let message =
                splits.isEmpty
                ? "request and receive stand together, as \"REQUEST\", \"RECEIVE\""
                : "it is not clear where the request ends: a quote, a comma and a quote stand here more than once"
            findings.error(.badWord, pair, message)
            return nil
        }
        if !Self.isLegacySeparator(split.separator) {
            findings.relaxed(split.separator, "this separator of request and receive")
        }
        let texts = TextReader(findings: findings)
        let requestText = split.request.isEmpty ? "" : texts.text(split.request, for: name)
        let receiveText = split.receive.isEmpty ? "" : texts.pattern(split.receive)
        guard let requestText, let receiveText else {
            return nil
        }
        guard receiveText.isEmpty || values.accepts(receiveText, split.receive) else {
            return nil
        }
        rest = rest.suffix(from: closing + 1)
        if let byte = rest.bytes.first, !byte.isBlank {
            findings.error(.leftover, rest, "white space must stand before \(rest.quoted)")
            return nil
        }
        rest = rest.trimmed
        return (CheckContent(request: requestText, receive: receiveText), ())
    }

    /// The places in `"a", "b"` that can part the two strings: a quote, commas or white space, a quote.
    private static func separators(_ pair: Token) -> [(request: Token, separator: Token, receive: Token)] {
        var result: [(request: Token, separator: Token, receive: Token)] = []
        let quotes = pair.bytes.indices.filter { pair.bytes[$0] == UInt8(ascii: "\"") }
        guard quotes.count >= 4, let open = quotes.first, let close = quotes.last else {
            return []
        }
        for (left, right) in zip(quotes.dropFirst(), quotes.dropFirst(2)) where right < close {
            let between = pair[left + 1..<right]
            if between.all({ $0.isBlank || $0 == UInt8(ascii: ",") }) {
                result.append((pair[open + 1..<left], between, pair[right + 1..<close]))
            }
        }
        return result
    }

    /// The Perl program wants one comma or one blank, and then any blanks.
    private static func isLegacySeparator(_ separator: Token) -> Bool {
        separator.dropFirst().bytes.allSatisfy(\.isBlank)
    }

    // MARK: thresholds

    private func readThresholds(_ rest: Token) -> (lower: UInt32, upper: UInt32)? {
        var lower: UInt32?
        var upper: UInt32?
        var lowerToken = rest
        var rest = rest
        while !rest.isEmpty {
            let (word, next) = rest.firstWord
            let isLong = ["lthreshold:", "uthreshold:"].contains { word.text?.hasPrefix($0) ?? false }
            let digits = word.dropFirst(isLong ? 11 : 2)
            let isLower = word.starts(with: "l")
            let head = word.prefix(upTo: digits.bytes.startIndex)
            guard isLong || head == "l:" || head == "u:" else {
                findings.error(
                    .leftover,
                    rest,
                    "\(rest.quoted) does not belong here",
                    notes: [
                        Diagnostic.Note("the order is: forward, weight, \"request\", \"receive\", then l:N and u:N")
                    ]
                )
                return nil
            }
            guard digits.all(\.isDigit), let value = NumberReader.value(digits), let limit = UInt32(exactly: value)
            else {
                findings.error(.badNumber, word, "a threshold is a number after the colon, not \(word.quoted)")
                return nil
            }
            if isLong {
                findings.relaxed(word, "\(head.quoted)")
            }
            guard (isLower ? lower : upper) == nil else {
                findings.error(.leftover, word, "the \(isLower ? "lower" : "upper") threshold is written twice")
                return nil
            }
            if isLower {
                lower = limit
                lowerToken = word
            } else {
                upper = limit
            }
            rest = next
        }
        if let lower, lower > upper ?? 0 {
            findings.warning(.noEffect, lowerToken, "the kernel refuses a lower threshold above the upper one")
        }
        return (lower ?? 0, upper ?? 0)
    }
}
