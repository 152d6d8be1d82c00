// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

extension Daemon {
    /// Answers one request of the control socket.
    func answer(_ request: String) -> RequestServer.Answer {
        switch request {
        case "status": return RequestServer.Answer(parts: statusReport.textParts)
        case "status json": return RequestServer.Answer(parts: statusReport.jsonParts)
        case "metrics": return RequestServer.Answer(parts: MetricsDocument(statusReport).part)
        default: return RequestServer.Answer(Array(line(inAnswerTo: request).utf8))
        }
    }

    private func line(inAnswerTo request: String) -> String {
        switch request {
        case "ping":
            return lateness.map { "checks are late: \($0)\n" } ?? "ok\n"
        case "table": return tableAnswer()
        case "reload":
            reloadInBackground()
            return "reloading; status tells what came of it\n"
        default:
            return answerOperator(request)
                ?? "unknown request; known are ping, status, status json, metrics, table, reload, \(OperatorRequest.usage)\n"
        }
    }

    var statusReport: StatusReport {
        StatusReport(
            director: director,
            instance: files.instance,
            path: file.path,
            startedAt: startedAt,
            now: loop.now,
            wallClock: time(nil),
            phase: reports.phase,
            rejected: rejected,
            rejectedAt: reports.rejectedAt,
            readingSince: reading.reloadBegan,
            refused: refused,
            late: lateness,
            counters: reports.counters,
            idleRemarks: idleWatches.remarks,
            reloads: reports.reloads,
            mails: (reports.queue.counters.sent, reports.queue.counters.failed, reports.queue.count),
            kernel: KernelView(table)
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

extension RequestServer.Answer {
    /// An answer of texts; nil is the end.
    fileprivate init(parts: @escaping () -> String?) {
        self.init { parts().map { Array($0.utf8) } }
    }
}
