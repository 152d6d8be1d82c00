// SPDX-License-Identifier: Apache-2.0

/// A request of the control socket about single servers: `drain 10.1.0.1:80 limit=600 service=10.9.0.1:80`.
public struct OperatorRequest: Sendable, Equatable {
    /// What is asked for.
    public enum Verb: Sendable, Equatable {
        /// No new connections; after the limit (nil: the configured one) it leaves the table. Zero is no limit.
        case drain(limit: Duration?)
        /// Out of service as if it were down.
        case disable
        /// In service with this weight.
        case weight(Int)
        /// The operator has no wish any more.
        case enable
        /// Checked now.
        case recheck
    }

    /// A request that cannot be understood.
    public struct SyntaxError: Error, Equatable, Sendable {
        /// What is wrong, and what the request looks like.
        public let description: String
    }

    /// What is asked for.
    public var verb: Verb

    /// Address, or address and port, of the server.
    public var server: String

    /// The virtual server meant; nil is all that have this server.
    public var service: String?

    /// The forms of a request.
    public static let usage =
        "drain SERVER [limit=SECONDS] | disable SERVER | enable SERVER | weight SERVER NUMBER | "
        + "recheck SERVER, each with [service=SERVICE]"

    /// Reads a request; nil when its first word is none of these verbs.
    ///
    /// - Throws: ``SyntaxError``.
    public init?(_ text: String) throws(SyntaxError) {
        var words = text.split(separator: " ").map(String.init)
        guard let first = words.first, ["drain", "disable", "enable", "weight", "recheck"].contains(first) else {
            return nil
        }
        words.removeFirst()
        guard let place = words.first, !place.contains("=") else {
            throw SyntaxError(description: "\(first): which server? \(Self.usage)")
        }
        server = place
        words.removeFirst()
        var limit: Duration?
        var weight: Int?
        while let word = words.first {
            if word.hasPrefix("service=") {
                // A service may be written in two words, as in "tcp 10.9.0.1:80"; it is the last part of a request.
                service = String(words.joined(separator: " ").dropFirst("service=".count))
                break
            } else if first == "drain", word.hasPrefix("limit="), let seconds = Self.number(word.dropFirst(6)) {
                limit = .seconds(seconds)
            } else if first == "weight", weight == nil, let number = Self.number(word[...]), number <= 65_535 {
                weight = number
            } else {
                throw SyntaxError(description: "\(first): \"\(word)\" is not understood; \(Self.usage)")
            }
            words.removeFirst()
        }
        switch first {
        case "drain": verb = .drain(limit: limit)
        case "disable": verb = .disable
        case "enable": verb = .enable
        case "recheck": verb = .recheck
        default:
            guard let weight else {
                throw SyntaxError(description: "weight: a number from 0 to 65535 is missing; \(Self.usage)")
            }
            verb = .weight(weight)
        }
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 9, text.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
