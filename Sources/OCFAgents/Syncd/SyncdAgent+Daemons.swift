// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit

extension SyncdAgent {
    /// Brings the daemons to what the role in `record` asks for: what is missing is started first, what is too much
    /// ends last, so that at no moment none runs.
    ///
    /// - Parameters:
    ///   - settings: What is wanted.
    ///   - record: The role on entry, what was found and done on return; saved in any case.
    /// - Throws: ``OCFError``.
    func run(_ settings: SyncdSettings, _ record: inout SyncdRecord) throws(OCFError) {
        let wanted = settings.daemons(isPromoted: record.isPromoted)
        if settings.relay != nil {
            try RelayInterfaces(log).ensure(Set(wanted.map(\.interface)))
        }
        for daemon in wanted {
            try SyncdInterface(daemon, log).wait()
        }
        let exit: OCFExit = try withKernel { (client: inout IPVSClient) throws(IPVSError) in
            // Saved on failure too: stop restores the settings from it.
            defer { save(record) }
            let changed = try applySettings(settings, &record)
            record.intent.namespace = environment.text(SyncdParameters.namespace)
            record.intent.daemons = wanted.map {
                SyncIntent.Daemon($0.role, interface: $0.interface, syncID: $0.syncID)
            }
            record.intent.pending = try restartForSettings(changed, record.intent.pending, settings, &client)
            let found = try assess(settings, record, &client)
            for (daemon, verdict) in found.verdicts {
                try converge(daemon, verdict, settings, &client)
                record.interfaceIndex[daemon.role] = if_nametoindex(daemon.interface)
            }
            if !found.verdicts.contains(where: { $0.verdict == .good }) {
                // All have just started.
                record.intent.pending = []
            }
            for role in found.surplus {
                wait(role == .master ? settings.drain : settings.linger, for: role)
                try client.stop(role)
                record.interfaceIndex[role] = nil
                log.info("stopped the sync \(role)")
            }
            return try assess(settings, record, &client).exit(isPromoted: record.isPromoted)
        }
        guard exit == .success || exit == .runningPromoted else {
            throw OCFError(.generic, "the sync daemons were started but do not run")
        }
        if let relay = settings.relay {
            // After the daemons: what it injects would be lost.
            try RelayProcess(settings: relay).start(log)
        }
        try nudge(wanted.contains { $0.role == .master } ? settings.exposure : nil)
    }

    /// The file that names the process of ``NudgeProcess``.
    var nudgeFile: IdentityFile { IdentityFile(path: "\(recordPath).nudge") }

    /// Starts the process that hurries new connections, or ends it when none is wanted.
    private func nudge(_ exposure: SyncdExposure?) throws(OCFError) {
        do throws(SystemError) {
            guard let exposure else {
                return try NudgeProcess.end(nudgeFile)
            }
            try NudgeProcess(exposure, nudgeFile).start()
        } catch {
            throw OCFError(error)
        }
    }

    /// Stops the daemons of this resource, the master after it has sent what it collected.
    func end(_ settings: SyncdSettings) throws(OCFError) {
        try withKernel { (client: inout IPVSClient) throws(IPVSError) in
            try client.ensure(.removeService(NudgeService.key))
            let running = try client.daemons()
            for daemon in settings.allDaemons where running.contains(where: { $0.isOfSameGroup(as: daemon) }) {
                if daemon.role == .master {
                    wait(settings.drain, for: .master)
                }
                try client.stop(daemon.role)
                log.info("stopped the sync \(daemon.role) on \(daemon.interface)")
            }
        }
    }

    /// Ends what stood between the daemons and the other directors; after the master has sent what it collected.
    func endRelay(_ settings: SyncdSettings) throws(OCFError) {
        guard let relay = settings.relay else {
            return
        }
        try RelayProcess(settings: relay).end()
        try RelayInterfaces(log).remove()
    }

    /// Compares what runs with what the role asks for.
    func assess(
        _ settings: SyncdSettings,
        _ record: SyncdRecord,
        _ client: inout IPVSClient
    ) throws(IPVSError) -> SyncdAssessment {
        let wanted = settings.daemons(isPromoted: record.isPromoted)
        let all = settings.allDaemons
        return SyncdAssessment(
            wanted,
            others: all.filter { daemon in !wanted.contains { $0.role == daemon.role } },
            running: try client.daemons(),
            recorded: record.interfaceIndex,
            indexes: Dictionary(all.map { ($0.interface, if_nametoindex($0.interface)) }) { first, _ in first }
        )
    }

    /// Waits before a daemon ends, but never so long that the action would run into its own time limit.
    private func wait(_ duration: Duration, for role: SyncDaemon.Role) {
        let limit = environment.timeoutMilliseconds.map { $0 / 2 } ?? Int.max
        let milliseconds = min(Int(duration.milliseconds()), limit)
        if milliseconds > 0 {
            log.debug("the sync \(role) goes on for \(milliseconds) ms")
            usleep(UInt32(milliseconds) * 1000)
        }
    }

    private func converge(
        _ daemon: SyncDaemon,
        _ verdict: SyncdAssessment.Verdict,
        _ settings: SyncdSettings,
        _ client: inout IPVSClient
    ) throws(IPVSError) {
        switch verdict {
        case .good:
            return
        case .missing:
            break
        case .wrong(let differences):
            log.info("restarting the sync \(daemon.role): \(differences.joined(separator: ", "))")
            try client.stop(daemon.role)
        case .foreign(let differences):
            let text = differences.joined(separator: ", ")
            guard settings.takeover else {
                throw IPVSError(
                    .alreadyExists,
                    operation: "start the sync \(daemon.role) on",
                    subject: daemon.interface,
                    explanation: "another one runs (\(text)) and takeover=no"
                )
            }
            log.warning("replacing another sync \(daemon.role): \(text)")
            try client.stop(daemon.role)
        }
        try client.start(daemon)
        log.info("started the sync \(daemon.role) on \(daemon.interface), syncid \(daemon.syncID)")
    }

    /// Ends daemons for settings that they read only when they start.
    ///
    /// - Returns: Those of them that wait for the next start.
    private func restartForSettings(
        _ changed: Set<String>,
        _ waiting: Set<String>,
        _ settings: SyncdSettings,
        _ client: inout IPVSClient
    ) throws(IPVSError) -> Set<String> {
        let pending = waiting.union(changed.intersection(["sync_ports", "sync_sock_size"])).sorted()
        let running = try client.daemons()
        let ours = settings.allDaemons.filter { daemon in running.contains { $0.isOfSameGroup(as: daemon) } }
        guard !pending.isEmpty, !ours.isEmpty else {
            return []
        }
        let names = pending.joined(separator: " and ")
        guard settings.forceRestart else {
            log.warning("\(names): pending until the sync daemons start again; force_restart=yes does that at reload")
            return Set(pending)
        }
        log.info("restarting the sync daemons for \(names)")
        if pending.contains("sync_ports") {
            // The number of threads is common to both and taken when the first starts.
            for daemon in ours {
                try client.stop(daemon.role)
            }
            return []
        }
        for daemon in ours {
            try client.stop(daemon.role)
            try client.start(daemon)
        }
        return []
    }
}
