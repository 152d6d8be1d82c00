// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

extension StatusReport {
    /// One screen of text, in parts.
    var textParts: () -> String? {
        var rest = director.configuration.virtualServers[...]
        var head: [String]? = heading
        return {
            if let lines = head {
                head = nil
                return lines.joined(separator: "\n") + "\n"
            }
            return rest.popFirst().map { "\n" + text(of: $0).joined(separator: "\n") + "\n" }
        }
    }

    private var heading: [String] {
        var lines = [summary]
        if phase != .running {
            lines.append("\(phase.rawValue): not every server was checked yet")
        }
        if let late {
            lines.append("CHECKS ARE LATE: \(late)")
        }
        if let readingSince {
            lines.append(
                "THE FILE ON DISK IS BEING READ since \(moment(readingSince)), its host names are looked up; the configuration before it stays meanwhile"
            )
        }
        if !rejected.isEmpty {
            let since = rejectedAt.map { " since \(moment($0))" } ?? ""
            lines.append("THE FILE ON DISK IS NOT IN USE\(since), the configuration before it stays:")
            lines += rejected.map { "  \($0)" }
        }
        if let problem = kernel.problem {
            lines.append("THE KERNEL'S TABLE CANNOT BE READ: \(problem)")
        }
        return lines
    }

    private var summary: String {
        let virtuals = director.configuration.virtualServers
        let up = director.states.values.count { $0.isUp }
        return "\(instance): pid \(getpid()), up for \(Self.short(now - startedAt)), \(path), "
            + "\(Self.plural(virtuals.count, "virtual server")), \(up) of \(Self.plural(director.states.count, "real server")) up"
    }

    private func text(of virtual: VirtualServer) -> [String] {
        let view = view(of: virtual)
        var head = "\(virtual.identity) \(virtual.scheduler)"
        head += virtual.persistence.map { " persistent \($0.timeout.secondsText) s" } ?? ""
        head += ", check \(Self.check(virtual)), \(view.up) of \(view.servers.count) up"
        var lines = [virtual.serviceName.map { "\(head)  [\($0)]" } ?? head]
        if let reason = view.refused {
            lines.append("  REFUSED BY THE KERNEL, trying again: \(reason)")
        } else if !view.isInKernel, kernel.problem == nil {
            lines.append("  NOT IN THE KERNEL'S TABLE: somebody removed it; a reload puts it back")
        }
        let rows = [["server", "state", "weight", "conns", "since", "last check", "why"]] + view.servers.map(row)
        let fallback = virtual.fallback.map { fallback -> [[String]] in
            let state = view.isFallbackInUse ? "IN USE" : "idle"
            let weight = view.isFallbackInUse ? "1" : "-"
            return [["fallback \(fallback.key)", state, weight, "-", "-", "not checked", ""]]
        }
        return lines + Self.table(rows + (fallback ?? []))
    }

    private func row(_ server: Server) -> [String] {
        let state = server.state
        let check: String
        if let result = state.lastResult {
            let ago = state.lastCheck.map { ", \(Self.short(now - $0)) ago" } ?? ""
            check = "\(result.outcome == .up ? "ok" : "failed") in \(Self.milliseconds(result.duration)) ms\(ago)"
        } else {
            check = "none"
        }
        return [
            "\(server.real.name) \(server.real.forwarding.rawValue)", state.word, weight(server),
            server.observed.map { "\($0.activeConnections)" } ?? "-", moment(state.since), check, why(server),
        ]
    }

    /// The kernel's weight; with the wanted one where both differ.
    private func weight(_ server: Server) -> String {
        guard kernel.problem == nil else {
            return server.wanted.map(String.init) ?? "-"
        }
        let found = server.observed.map { "\($0.destination.weight)" } ?? "-"
        let wanted = server.wanted.map(String.init) ?? "-"
        return found == wanted ? found : "\(found), not \(wanted)"
    }

    private func why(_ server: Server) -> String {
        let state = server.state
        if case .down(let reason) = state.lastResult?.outcome, state.isUp {
            return state.retainedSince == nil
                ? "failed \(state.failures) times: \(reason)" : "stays, too many are out: \(reason)"
        }
        return state.isUp && state.reason == "ok" ? idleRemark(server) ?? "" : state.reason
    }

    private static func check(_ virtual: VirtualServer) -> String {
        let check = virtual.check
        let kind: String
        switch check.type {
        case .negotiate: kind = check.service.rawValue
        case .combined(let connects): kind = "\(check.service.rawValue) and \(connects) connects"
        default: kind = check.type.word
        }
        let further = virtual.furtherChecks.map { ", \"\($0.name)\"" }.joined()
        return "\(kind)\(further) every \(check.interval.secondsText) s"
    }

    /// How long ago, and the time of day or the date.
    private func moment(_ instant: SuspendingClock.Instant) -> String {
        let duration = now - instant
        var seconds = time_t(wallClock(of: instant))
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        strftime(&buffer, buffer.count, duration < .seconds(86_400) ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &parts)
        return "\(Self.short(duration)) (\(String(nulTerminated: buffer)))"
    }

    /// Columns as wide as their widest cell, the last one as it is; a column that is empty but for its head goes.
    private static func table(_ rows: [[String]]) -> [String] {
        let columns = rows[0].indices.filter { column in rows.dropFirst().contains { !$0[column].isEmpty } }
        let widths = columns.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(columns, widths).map { column, width in
                column == columns.last
                    ? row[column] : row[column] + String(repeating: " ", count: width - row[column].count)
            }
            var line = "  " + cells.joined(separator: "  ")
            while line.last == " " {
                line.removeLast()
            }
            return line
        }
    }

    private static func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

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
