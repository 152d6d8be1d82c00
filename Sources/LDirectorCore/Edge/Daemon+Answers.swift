// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

extension Daemon {
    /// Answers one request of the control socket.
    func answer(_ request: String) -> String {
        switch request {
        case "ping":
            return lateness.map { "checks are late: \($0)\n" } ?? "ok\n"
        case "status": return statusReport.text
        case "status json": return statusReport.json + "\n"
        case "metrics": return statusReport.metrics
        case "table": return tableAnswer()
        case "reload":
            reload()
            return rejected.isEmpty ? "ok\n" : rejected.joined(separator: "\n") + "\n"
        default:
            return answerOperator(request)
                ?? "unknown request; known are ping, status, status json, metrics, table, reload, \(OperatorRequest.usage)\n"
        }
    }

    var statusReport: StatusReport {
        var kernel: [VirtualServiceKey: ObservedService] = [:]
        var kernelProblem: String?
        do throws(IPVSError) {
            let found = try table.observe(Set(director.configuration.virtualServers.map(\.key)))
            kernel = Dictionary(found.map { ($0.service.key, $0) }) { first, _ in first }
        } catch {
            kernelProblem = error.description
        }
        let wanted = director.desiredTable.flatMap { entry in
            entry.destinations.map { (ServerID(entry.service.key, $0.key), $0.weight) }
        }
        return StatusReport(
            director: director,
            instance: files.instance,
            path: file.path,
            startedAt: startedAt,
            now: loop.now,
            wallClock: time(nil),
            phase: reports.phase,
            rejected: rejected,
            rejectedAt: reports.rejectedAt,
            refused: refused,
            late: lateness,
            counters: reports.counters,
            reloads: reports.reloads,
            mails: (reports.queue.counters.sent, reports.queue.counters.failed, reports.queue.count),
            kernel: kernel,
            kernelProblem: kernelProblem,
            wanted: Dictionary(wanted) { first, _ in first }
        )
    }

    /// Which check is overdue beyond all limits; nil when all are in time.
    var lateness: String? {
        scheduler.stalled().map { "\($0.first.target) every \($0.interval.inSeconds)" }
    }

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
