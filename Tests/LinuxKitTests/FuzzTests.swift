// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

/// Random texts for the parsers that everything else stands on; the seed names the failing case.
@Suite struct FuzzTests {
    private func text(_ alphabet: [Character], _ random: inout SplitMix) -> String {
        String((0..<Int.random(in: 0...44, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
    }

    @Test(arguments: 0..<UInt64(4)) func addresses(seed: UInt64) {
        var random = SplitMix(state: seed)
        let alphabet = Array("0123456789abcdefABCDEF::::....%/ -xg\u{0}é")
        for _ in 0..<3000 {
            let text = text(alphabet, &random)
            if let address = IPAddress(text) {
                #expect(IPAddress(address.description) == address, "\(text)")
                #expect(IPAddress(bytes: address.bytes) == address)
            }
            if let address = LinkLayerAddress(text) {
                #expect(LinkLayerAddress(address.description) == address, "\(text)")
            }
        }
    }

    @Test(arguments: 0..<UInt64(4)) func identities(seed: UInt64) {
        var random = SplitMix(state: seed)
        let alphabet = Array("0123456789\n\n\r -+ex\u{0}é")
        for _ in 0..<3000 {
            let text = text(alphabet, &random)
            if let identity = ProcessIdentity(text: text) {
                #expect(identity.pid > 0 && ProcessIdentity(text: identity.text) == identity, "\(text)")
            }
        }
    }

    @Test(arguments: 0..<UInt64(4)) func options(seed: UInt64) {
        var random = SplitMix(state: seed)
        let words = ["-", "--", "-a", "-ab", "-bx", "-b", "", "x", "-é", "-\u{0}", "-:", "-z", "--a"]
        for _ in 0..<3000 {
            let line = (0..<Int.random(in: 0...6, using: &random)).compactMap { _ in words.randomElement(using: &random)
            }
            if let options = try? ShortOptions(line, letters: "ab:") {
                #expect(options.flags.isSubset(of: ["a"]) && Set(options.values.keys).isSubset(of: ["b"]), "\(line)")
            }
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
