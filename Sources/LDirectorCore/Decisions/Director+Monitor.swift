// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import LDirectorConfig
import LinuxKit

extension Director {
    /// What the monitor files get to know of a check, by file; lines without date and process.
    public func monitorLines(_ plan: CheckPlan) -> [String: [String]] {
        var lines: [String: [String]] = [:]
        for id in subscribers[plan] ?? [] {
            guard let virtual = virtuals[id.service], let path = virtual.monitorFile,
                let real = virtual.realServers.first(where: { $0.key == id.destination }), let state = states[id]
            else {
                continue
            }
            let word: String
            let detail: String
            if let hold = state.hold {
                (word, detail) = ("down", "Server in maintenance: \(hold.reason)")
            } else {
                switch state.lastResult?.outcome {
                case .up: (word, detail) = ("up", "-")
                case .down(let reason): (word, detail) = ("down", reason)
                case nil: continue
                }
            }
            lines[path, default: []].append(
                "\(Self.monitorIdentity(real, virtual)) [\(word)] \(Self.escaped(detail))"
            )
        }
        return lines
    }

    /// The check's identity: its settings joined with colons, then runs of colons as one blank, and no backslashes.
    static func monitorIdentity(_ real: RealServer, _ virtual: VirtualServer) -> String {
        let check = virtual.check
        let content = virtual.content(for: real)
        var kind = check.type.word
        switch check.type {
        case .negotiate: kind += ":\(check.service.rawValue)"
        case .combined: kind = "combined:\(check.service.rawValue)"
        case .external, .externalPerl: kind += ":\(check.command)"
        case .connect, .ping, .off, .on: break
        }
        let fields = [
            kind, virtual.identity.protocolWord, real.address.bracketed, String(real.configuredPort),
            check.virtualHost ?? "", check.port.map { String($0) } ?? "", String(real.weight), real.forwarding.rawValue,
            content.request, content.receive,
        ]
        var text = ""
        var wasColon = false
        for character in fields.joined(separator: ":") where character != "\\" {
            if character == ":" {
                text += wasColon ? "" : " "
            } else {
                text.append(character)
            }
            wasColon = character == ":"
        }
        return text
    }

    /// At most 200 bytes, on one line, with `%`, `|` and line ends as `%25`, `%7C`, `%0A` and `%0D`.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in String(decoding: text.utf8.prefix(200), as: UTF8.self).unicodeScalars {
            switch scalar {
            case "%": result += "%25"
            case "|": result += "%7C"
            case "\n": result += "%0A"
            case "\r": result += "%0D"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
