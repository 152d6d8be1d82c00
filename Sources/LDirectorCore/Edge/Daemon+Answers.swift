// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

extension Daemon {
    /// Answers one request of the control socket.
    func answer(_ request: String) -> String {
        switch request {
        case "ping":
            guard let plan = scheduler.stalled() else {
                return "ok\n"
            }
            return "checks are late: \(plan.first.target) every \(plan.interval.inSeconds)\n"
        case "status": return statusReport.text
        case "status json": return statusDocument() + "\n"
        case "table": return tableAnswer()
        case "reload":
            reload()
            return rejected.isEmpty ? "ok\n" : rejected.joined(separator: "\n") + "\n"
        default:
            return answerOperator(request)
                ?? "unknown request; known are ping, status, status json, table, reload, \(OperatorRequest.usage)\n"
        }
    }

    var statusReport: StatusReport {
        StatusReport(
            director: director,
            instance: files.instance,
            path: file.path,
            startedAt: startedAt,
            now: loop.now,
            rejected: rejected,
            refused: refused
        )
    }

    func statusDocument() -> String { statusReport.json }

    private func tableAnswer() -> String {
        do throws(IPVSError) {
            let current = try table.read(Set(director.configuration.virtualServers.map(\.key)))
            let changes = director.synchronisation(with: current)
            return changes.isEmpty
                ? "equal\n" : changes.map { "missing in the kernel: \($0.change)" }.joined(separator: "\n") + "\n"
        } catch {
            return "cannot read the kernel's table: \(error)\n"
        }
    }
}
