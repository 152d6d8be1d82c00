// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The lines of one `virtual` block, read one by one, before they are judged together.
struct BlockDraft {
    let name: Token
    let place: Token
    let family: IPAddress.Family
    /// Nil when the line is in error; the rest of the block is judged all the same.
    let target: VirtualTarget?
    var values = DirectiveValues()
    var reals: [RealLine] = []
    var fallback: FallbackLine?
    var furtherChecks: [FurtherCheckDraft] = []

    /// Takes a value of the block, or of the further check that was begun last.
    mutating func store(_ value: LocatedValue, _ name: DirectiveName) {
        if name == .check {
            furtherChecks.append(FurtherCheckDraft(name: value))
        } else if name.describesCheck, !furtherChecks.isEmpty {
            furtherChecks[furtherChecks.count - 1].values.add(value, name)
        } else {
            values.add(value, name)
        }
    }

    /// Reports a value that its own grammar allows but this block does not, even when a later line replaces it.
    func judge(_ name: DirectiveName, _ value: DirectiveValue, _ token: Token, _ findings: Findings) {
        switch (name, value) {
        case (.netmask, _) where granularity(token) == nil:
            let expected =
                family == .ipv4
                ? "an IPv4 netmask is a dotted quad" : "an IPv6 netmask is a prefix length from 1 to 128"
            findings.error(.badAddress, token, "\(expected), not \(token.quoted)")
        case (.protocol, .text(let word)):
            judgeProtocol(word, token, findings)
        default:
            break
        }
    }

    private func judgeProtocol(_ word: String, _ token: Token, _ findings: Findings) {
        switch target {
        case .firewallMark where word != "fwm":
            findings.error(.noEffect, token, "a firewall mark has protocol 'fwm', not '\(word)'")
        case .endpoint where word == "fwm":
            let message = "an address has protocol 'tcp', 'udp' or 'sctp', 'fwm' is for firewall marks"
            findings.error(.noEffect, token, message)
        default:
            break
        }
    }

    /// The value of `netmask` in the notation of the block's family; nil for any other.
    func granularity(_ token: Token) -> Persistence.Granularity? {
        switch family {
        case .ipv4:
            guard let mask = token.text.flatMap(IPAddress.init), mask.family == .ipv4 else {
                return nil
            }
            return .netmask(mask)
        case .ipv6:
            guard token.all(\.isDigit), let length = NumberReader.value(token), (1...128).contains(length) else {
                return nil
            }
            return .prefixLength(UInt8(length))
        }
    }
}

/// The lines of one `check` in a block.
struct FurtherCheckDraft {
    let name: LocatedValue
    var values = DirectiveValues()
}

/// What virtual servers take from the global lines of the file.
struct InheritedSettings {
    var values = DirectiveValues()
    var fallback: FallbackLine?
    var fallback6: FallbackLine?

    /// A time-out of a block: one of the other kind in the block beats one of the same kind in the file.
    func timeout(_ kind: DirectiveName, _ other: DirectiveName, in block: DirectiveValues) -> Duration? {
        block.duration(kind) ?? block.duration(other) ?? values.duration(kind) ?? values.duration(other)
    }
}
