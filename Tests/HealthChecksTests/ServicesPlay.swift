// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit

@testable import HealthChecks

/// A small generator of random numbers with a printable seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// What came of playing a server's recorded answers to a conversation.
struct Play: Equatable {
    /// All that the conversation sent, in order.
    var sent: [[UInt8]] = []
    /// Nil when it still waits.
    var outcome: CheckOutcome?
    var startedTLS = false
    /// Whether the answer is to be had elsewhere: the end of this talk.
    var isFollowed = false
    /// What would be sent at the end.
    var farewell: [UInt8] = []

    /// Feeds the answers in portions of at most `slice` bytes, then, unless told otherwise, the end of the stream.
    init(_ conversation: some Conversation, _ answers: [[UInt8]], slice: Int = .max, closes: Bool = true) {
        var conversation = conversation
        defer { farewell = conversation.farewell }
        sent.append(conversation.opening())
        for answer in answers {
            var rest = answer[...]
            repeat {
                let portion = rest.prefix(slice)
                rest = rest.dropFirst(portion.count)
                accept(conversation.receive(portion), &conversation)
                guard outcome == nil, !isFollowed else {
                    return
                }
            } while !rest.isEmpty
        }
        if closes {
            accept(conversation.end(), &conversation)
        }
    }

    private mutating func accept(_ step: ConversationStep, _ conversation: inout some Conversation) {
        switch step {
        case .wait: break
        case .follow: isFollowed = true
        case .send(let bytes): sent.append(bytes)
        case .sendAndStartTLS(let bytes):
            sent.append(bytes)
            startedTLS = true
            accept(conversation.secured(), &conversation)
        case .startTLS:
            startedTLS = true
            accept(conversation.secured(), &conversation)
        case .finish(let outcome): self.outcome = outcome
        }
    }

    /// Why it is down; "up" or "waiting" when it is not.
    var reason: String {
        switch outcome {
        case .up: "up"
        case .down(let reason): reason
        case nil: "waiting"
        }
    }
}

/// The bytes of hexadecimal text, blanks ignored.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// Plays many spoilt copies of good answers; each must come to an end with a short reason and without the password.
struct Fuzzer {
    /// Copies that each suite plays; VERVET_FUZZ_ROUNDS asks for more.
    static let rounds = getenv("VERVET_FUZZ_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2000

    private var random: SeededGenerator
    private(set) var ups = 0

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Plays one spoilt copy; nil when it went as it should, else what was wrong.
    mutating func round(_ conversation: some Conversation, _ answers: [[UInt8]], hidden: String, isStream: Bool)
        -> String?
    {
        let spoilt = spoil(answers)
        let slice = Bool.random(using: &random) ? Int.max : Int.random(in: 1...20, using: &random)
        let play = Play(conversation, spoilt, slice: isStream ? slice : .max, closes: isStream)
        let input = spoilt.map(hexadecimal).joined(separator: "|")
        switch play.outcome {
        case .up: ups += 1
        case .down(let reason):
            if reason.isEmpty || reason.count > 500 || reason.contains(hidden)
                || reason.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 })
            {
                return "bad reason \(reason) for \(input)"
            }
        case nil:
            if isStream, !play.isFollowed {
                return "no end for \(input)"
            }
        }
        return nil
    }

    private mutating func spoil(_ answers: [[UInt8]]) -> [[UInt8]] {
        var answers = answers
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            guard let index = answers.indices.randomElement(using: &random) else {
                break
            }
            answers[index] = spoil(answers[index])
            if Int.random(in: 0..<20, using: &random) == 0 {
                answers.insert(answers[index], at: Int.random(in: 0...answers.count, using: &random))
            }
            if Int.random(in: 0..<20, using: &random) == 0 {
                answers.swapAt(index, Int.random(in: 0..<answers.count, using: &random))
            }
        }
        return answers
    }

    private mutating func spoil(_ answer: [UInt8]) -> [UInt8] {
        guard !answer.isEmpty else {
            return answer
        }
        var answer = answer
        let start = Int.random(in: 0..<answer.count, using: &random)
        let end = min(answer.count, start + Int.random(in: 1...8, using: &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0: answer[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1:
            let edges: [UInt8] = [0, 1, 0x7f, 0x80, 0x81, 0x84, 0xc0, 0xfb, 0xfc, 0xfe, 0xff]
            answer[start] = edges.randomElement(using: &random) ?? 0
        case 2: answer[start] = UInt8.random(in: .min ... .max, using: &random)
        case 3: answer.removeSubrange(start..<end)
        case 4: answer.insert(contentsOf: answer[start..<end], at: start)
        case 5: answer.removeSubrange(start...)
        default:
            let count = Int.random(in: 1...2000, using: &random)
            answer.insert(contentsOf: repeatElement(answer[start], count: count), at: start)
        }
        return answer
    }
}
