// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit
import Netlink
import Testing

/// Bytes from hex digits; blanks are skipped and `#` starts a comment.
func bytes(_ text: String) throws -> [UInt8] {
    var digits: [UInt8] = []
    for line in text.split(separator: "\n") {
        for character in line.prefix(while: { $0 != "#" }) where !character.isWhitespace {
            digits.append(UInt8(try #require(character.hexDigitValue)))
        }
    }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// An answer of the family that was numbered 28 when the bytes were captured.
func message(_ text: String) throws -> NetlinkMessage {
    NetlinkMessage(type: 28, flags: .multi, payload: try bytes(text))
}

func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

/// The service `tcp ADDRESS:PORT`.
func tcp(_ text: String, _ port: UInt16 = 80) throws -> VirtualServiceKey {
    .address(.tcp, try address(text), port: port)
}

func server(_ text: String, _ port: UInt16 = 80, weight: Int = 1) throws -> Destination {
    Destination(Destination.Key(try address(text), port: port), weight: weight)
}

/// SplitMix64: the same numbers for the same seed, which names the failing test case.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
