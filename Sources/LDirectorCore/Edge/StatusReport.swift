// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

/// What a running director knows, for an operator on one screen or for a program as JSON.
struct StatusReport {
    let director: Director
    let instance: String
    let path: String
    let startedAt: SuspendingClock.Instant
    let now: SuspendingClock.Instant
    let rejected: [String]
    let refused: [VirtualServiceKey: String]

    /// One screen of text.
    var text: String {
        var lines = ["\(instance) pid \(getpid()), running for \(Self.short(now - startedAt)), \(path)"]
        if !rejected.isEmpty {
            lines.append("The file on disk is not in use:")
            lines += rejected.map { "  " + $0 }
        }
        for virtual in director.configuration.virtualServers {
            let states = virtual.realServers.map { director.states[ServerID(virtual.key, $0.key)] }
            let up = states.filter { $0?.isUp == true }.count
            lines.append("\(virtual.identity) \(virtual.scheduler), \(up) of \(states.count) up")
            if let reason = refused[virtual.key] {
                lines.append("  REFUSED BY THE KERNEL: \(reason)")
            }
            for (real, state) in zip(virtual.realServers, states) {
                guard let state else {
                    continue
                }
                let weight = state.isUp ? real.weight : 0
                var line =
                    "  \(Self.pad(real.name, 28)) \(state.isUp ? "up  " : "DOWN") weight \(Self.pad("\(weight)", 5))"
                line += " since \(Self.pad(Self.short(now - state.since), 8))"
                line += state.lastResult.map { " check \(Self.milliseconds($0.duration)) ms" } ?? ""
                line += Self.remark(state).map { "  \($0)" } ?? ""
                lines.append(line)
            }
            if let fallback = virtual.fallback {
                lines.append("  fallback \(Self.pad("\(fallback.key)", 19)) \(up == 0 ? "IN USE" : "idle")")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The same as one JSON document.
    var json: String {
        let virtuals = director.configuration.virtualServers.map { virtual -> String in
            let reals = virtual.realServers.compactMap { real -> String? in
                director.states[ServerID(virtual.key, real.key)].map { json(real, $0) }
            }
            return object([
                ("service", quoted(virtual.identity.description)),
                ("scheduler", quoted(virtual.scheduler)),
                ("refused", refused[virtual.key].map(quoted) ?? "null"),
                ("fallback", virtual.fallback.map { quoted("\($0.key)") } ?? "null"),
                ("fallback_in_use", "\(virtual.fallback != nil && !director.hasServerUp(virtual.key))"),
                ("real_servers", "[\(reals.joined(separator: ","))]"),
            ])
        }
        return object([
            ("instance", quoted(instance)),
            ("pid", "\(getpid())"),
            ("configuration", quoted(path)),
            ("uptime_seconds", "\((now - startedAt).components.seconds)"),
            ("rejected_configuration", "[\(rejected.map(quoted).joined(separator: ","))]"),
            ("virtual_servers", "[\(virtuals.joined(separator: ","))]"),
        ])
    }

    private func json(_ real: RealServer, _ state: ServerState) -> String {
        object([
            ("address", quoted("\(real.key)")),
            ("up", "\(state.isUp)"),
            ("weight", "\(state.isUp ? real.weight : 0)"),
            ("configured_weight", "\(real.weight)"),
            ("since_seconds", "\((now - state.since).components.seconds)"),
            ("reason", quoted(state.reason)),
            ("failures", "\(state.failures)"),
            ("last_result", state.lastResult.map { quoted($0.outcome.description) } ?? "null"),
            ("last_check_ms", state.lastResult.map { Self.milliseconds($0.duration) } ?? "null"),
            ("last_check_seconds_ago", state.lastCheck.map { "\((now - $0).components.seconds)" } ?? "null"),
        ])
    }

    private static func remark(_ state: ServerState) -> String? {
        if case .down(let reason) = state.lastResult?.outcome, state.isUp {
            return "failed \(state.failures) times: \(reason)"
        }
        return state.isUp && state.reason == "ok" ? nil : state.reason
    }

    private func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case let control where control.value < 32:
                result += "\\u00" + (control.value < 16 ? "0" : "") + String(control.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let tenths = seconds * 10_000 + attoseconds / 100_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func short(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86400) d"
        }
    }
}
