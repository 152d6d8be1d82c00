// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets

/// The parameter `send_arp_opts`: options for the program that used to send the announcements.
///
/// What says how to announce is honoured; what says how that program runs has no meaning here and is refused.
struct AnnouncerOptions: Sendable, Equatable {
    /// `-U` or `-A`; nil when neither was given.
    let style: Announcement.Style?
    /// `-r` or `-c`: rounds at start.
    let rounds: Int?
    /// `-i`, in milliseconds.
    let intervalMilliseconds: Int?

    /// Reads the words of the parameter, separated by blanks as a shell would.
    ///
    /// - Throws: ``OCFError`` with ``OCFExit/configured`` naming the option that cannot be honoured.
    init(_ text: String) throws(OCFError) {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        let options: ShortOptions
        do {
            options = try ShortOptions(words, letters: "UAqbfDVhr:c:i:p:I:s:w:")
        } catch {
            throw Self.refusal(text, error.description)
        }
        guard options.operands.isEmpty else {
            throw Self.refusal(text, "\"\(options.operands[0])\" is not an option")
        }
        let meanings: [(letter: Character, reason: String)] = [
            ("D", "-D looks for another owner: use run_arping"),
            ("p", "-p: the agent keeps its own record of the announcer"),
            ("I", "-I: the interface is that of the address, see nic"),
            ("s", "-s: the announced address is ip"), ("w", "-w: announcements wait for no answer"),
            ("V", "-V and -h announce nothing"), ("h", "-V and -h announce nothing"),
        ]
        for (letter, reason) in meanings where options.flags.contains(letter) || options.values[letter] != nil {
            throw Self.refusal(text, reason)
        }
        guard !(options.flags.contains("U") && options.flags.contains("A")) else {
            throw Self.refusal(text, "-U and -A exclude each other")
        }
        style = options.flags.contains("U") ? .request : options.flags.contains("A") ? .reply : nil
        rounds = try Self.number(options.values["r"] ?? options.values["c"], in: 1...100_000, text)
        intervalMilliseconds = try Self.number(options.values["i"], in: 1...3_600_000, text)
    }

    private static func number(
        _ word: String?,
        in range: ClosedRange<Int>,
        _ text: String
    ) throws(OCFError) -> Int? {
        guard let word else {
            return nil
        }
        guard let number = AgentEnvironment.decimal(word), range.contains(number) else {
            throw refusal(text, "\"\(word)\" is not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func refusal(_ text: String, _ reason: String) -> OCFError {
        OCFError(.configured, "send_arp_opts=\"\(text)\": \(reason)")
    }
}
