// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

extension Daemon {
    /// Tells of a change of the table that is done: of a server that came up or went down, or one that has to go.
    func tell(of planned: PlannedChange, after transitions: [ServerID]) {
        let server: ServerID
        var isRemoval = false
        switch planned.change {
        case .addDestination(let destination, let key), .editDestination(let destination, let key):
            server = ServerID(key, destination.key)
        case .removeDestination(let destination, let key):
            server = ServerID(key, destination)
            isRemoval = true
        default: return
        }
        let isReal = director.states[server] != nil
        if isReal ? transitions.contains(server) : isRemoval && !isFallback(server) {
            tell(planned.line, of: server.service)
        } else if !isReal, isFallback(server) {
            tell(planned.line, of: server.service, isAside: true)
        }
    }

    /// Tells those who want to hear of this virtual server.
    func tell(_ line: String, of key: VirtualServiceKey, isAside: Bool = false) {
        let virtual = director.virtuals[key]
        reports.add(
            Alert(
                line,
                phase: reports.phase,
                mail: virtual?.mail ?? director.configuration.daemon.mail,
                serviceName: virtual?.serviceName,
                comment: virtual?.comment,
                isAside: isAside
            )
        )
    }

    /// Counts a check, and tells of a server that failed its first one: it is down, but nothing changes in the table.
    func tell(of result: CheckResult, of plan: CheckPlan, _ transitions: [Transition]) {
        log.debug("Check of \(plan.first.target): \(result.outcome) (\(result.duration))")
        for server in director.subscribers[plan] ?? [] {
            var counters = reports.counters[server] ?? Reports.Counters()
            if result.outcome == .up {
                counters.up += 1
            } else {
                counters.down += 1
            }
            counters.time += result.duration
            counters.longest = max(counters.longest, result.duration)
            counters.transitions += transitions.count { $0.server == server && ($0.kind == .up || $0.kind == .down) }
            reports.counters[server] = counters
            if case .down(let reason) = result.outcome, reports.unchecked.remove(server) != nil,
                director.states[server]?.isUp == false, !transitions.contains(where: { $0.server == server }),
                let virtual = director.virtuals[server.service],
                let real = virtual.realServers.first(where: { $0.key == server.destination })
            {
                let line = "Down real server: \(real.name) (\(virtual.name)) (first check): \(reason)"
                log.write(line)
                tell(line, of: server.service)
            }
            reports.unchecked.remove(server)
        }
        if !flushIsPlanned {
            endPhase()
        }
    }

    /// The start or the reload is over once every server was checked.
    func endPhase() {
        if reports.phase == .starting || reports.phase == .reloading, reports.unchecked.isEmpty {
            reports.phase = .running
        }
    }

    /// Tells that the file on disk cannot be used.
    func tellOfRejection(after former: [String]) {
        reports.rejectedAt = rejected.isEmpty ? nil : reports.rejectedAt ?? loop.now
        guard !rejected.isEmpty, rejected != former else {
            return
        }
        reports.reloads.refused += 1
        let configuration = director.configuration
        var mail = configuration.daemon.mail
        if mail.recipients.isEmpty {
            let all = configuration.virtualServers.flatMap(\.mail.recipients)
            mail.recipients = all.enumerated().filter { all.firstIndex(of: $0.element) == $0.offset }.map(\.element)
        }
        guard !mail.phases.isEmpty else {
            return
        }
        // Worth a mail whatever is being done, unless no mail at all is wanted.
        mail.phases = Set(MailSettings.Phase.allCases)
        let line = "Configuration \(file.path) not used, the running one stays: \(rejected.joined(separator: "; "))"
        reports.add(Alert(line, phase: .reloading, mail: mail))
    }

    /// What is due once a second.
    func reportEverySecond() {
        reports.remind(of: director, at: loop.now)
        reports.serveMetrics(at: director.configuration.daemon.metrics) { [weak self] in
            self.map { MetricsDocument($0.statusReport).part } ?? { nil }
        }
        if lateness == nil {
            let up = director.states.values.count { $0.isUp }
            let broken = rejected.isEmpty ? "" : "; the file on disk is faulty and not in use"
            reports.beat(status: "\(up) of \(director.states.count) real servers up\(broken)")
        }
        loop.after(.seconds(1)) { [weak self] in self?.reportEverySecond() }
    }

    /// Writes the state as JSON beside the control socket, where it is not cut as in a log.
    func dumpState() {
        let path = files.stateFile
        let parts = statusReport.jsonParts
        var json = ""
        while let part = parts() {
            json += part
        }
        do {
            try TextFile.write(path, json)
            log.write("Signal USR1: state written to \(path)")
        } catch {
            log.write("Signal USR1: \(error); state: \(json.dropLast())")
        }
    }

    /// CLOCK_MONOTONIC, as the service manager wants it with a reload.
    var monotonicMicroseconds: Int {
        var now = timespec()
        // Cannot fail: the clock exists (clock_gettime(2)).
        _ = clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec * 1_000_000 + now.tv_nsec / 1000
    }

    private func isFallback(_ server: ServerID) -> Bool {
        director.virtuals[server.service]?.fallback?.key == server.destination
    }
}
