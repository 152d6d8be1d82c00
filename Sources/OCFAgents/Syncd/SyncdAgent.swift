// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import IPVS
import LinuxKit

/// `ocf:vervet:syncd`: runs the kernel's connection synchronisation daemons and keeps them as configured.
///
/// Stopping or starting a daemon never touches the connection table.
public struct SyncdAgent: OCFAgent {
    /// Name, version, parameters and actions.
    public static let declaration = AgentDeclaration(
        name: "syncd",
        version: "1.0",
        summary: "Synchronises IPVS connections between directors",
        details: """
            Runs the kernel's IPVS synchronisation daemons, so that connections survive when their director fails. \
            Run it as a clone on all directors, with mode=both: every director then sends its connections and learns \
            those of the others, and a failover changes nothing in the daemons. The virtual services must exist on a \
            director before the virtual address arrives there; a kernel without any service resets what it has learned.
            """,
        parameters: SyncdParameters.all,
        actions: [
            ActionDeclaration(.start, timeout: 30, needsRoot: true),
            ActionDeclaration(.stop, timeout: 20, needsRoot: true),
            ActionDeclaration(.reloadAgent, timeout: 30, needsRoot: true),
            ActionDeclaration(.monitor, timeout: 20, interval: 10, needsRoot: true),
            ActionDeclaration(.status, timeout: 20, needsRoot: true),
            ActionDeclaration(.validateAll, timeout: 20),
            ActionDeclaration(.metaData, timeout: 5),
        ]
    )

    let environment: AgentEnvironment
    let log: AgentLog

    /// Takes what the invocation was given.
    public init(environment: AgentEnvironment, log: AgentLog) {
        self.environment = environment
        self.log = log
    }

    /// Runs one of the declared actions.
    ///
    /// - Parameter action: The action.
    /// - Returns: The exit code.
    /// - Throws: ``OCFError`` when the action failed.
    public func run(_ action: AgentAction) throws(OCFError) -> OCFExit {
        switch action {
        case .start, .reloadAgent: try start()
        case .stop: try stop()
        case .monitor, .status: try monitor()
        case .validateAll: try validate()
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    /// Without the module there are no daemons; asking by netlink would load it.
    private var hasIPVS: Bool { access("/proc/net/ip_vs", F_OK) == 0 }

    private var recordPath: String { SyncdRecord.path(environment) }

    private func monitor() throws(OCFError) -> OCFExit {
        let settings = try SyncdSettings(environment)
        guard hasIPVS else {
            log.debug("ip_vs is not loaded")
            return .notRunning
        }
        let assessment = try withKernel { (client: inout IPVSClient) throws(IPVSError) in
            try assess(settings, &client, SyncdRecord.load(recordPath) ?? SyncdRecord())
        }
        if assessment.exit == .generic {
            throw OCFError(.generic, assessment.complaint)
        }
        if assessment.hasForeign {
            log.info(assessment.complaint)
        }
        return assessment.exit
    }

    private func validate() throws(OCFError) -> OCFExit {
        let settings = try SyncdSettings(environment)
        let interface = settings.daemons[0].interface
        guard if_nametoindex(interface) != 0 else {
            throw OCFError(.installed, "interface \(interface) does not exist on this node")
        }
        return .success
    }

    private func start() throws(OCFError) -> OCFExit {
        let settings = try SyncdSettings(environment)
        try SyncdInterface(settings, log).wait()
        let index = if_nametoindex(settings.daemons[0].interface)
        var record = SyncdRecord.load(recordPath) ?? SyncdRecord()
        try withKernel { (client: inout IPVSClient) throws(IPVSError) in
            // Saved on failure too: stop restores the settings from it.
            defer { save(record) }
            try applySettings(settings, &record)
            let assessment = try assess(settings, &client, record)
            for (daemon, verdict) in assessment.verdicts {
                try converge(daemon, verdict, settings, &client)
                record.interfaceIndex[daemon.role] = index
            }
        }
        guard try monitor() == .success else {
            throw OCFError(.generic, "the sync daemons were started but do not run")
        }
        return .success
    }

    private func save(_ record: SyncdRecord) {
        do {
            try record.save(recordPath)
        } catch {
            // Without it monitor cannot see that the interface was replaced; everything else works.
            log.warning("\(error): monitor will not notice a replaced interface")
        }
    }

    private func stop() throws(OCFError) -> OCFExit {
        let record = SyncdRecord.load(recordPath)
        // Parameters that start would refuse never started anything.
        if hasIPVS, let settings = try? SyncdSettings(environment) {
            do throws(OCFError) {
                try stopDaemons(settings)
            } catch {
                guard error.code == .installed else {
                    throw error
                }
                log.info("ip_vs was unloaded meanwhile")
            }
            for (name, value) in record?.settings ?? [] {
                do {
                    _ = try IPVSSysctl().set(name, to: value)
                } catch {
                    // The daemons are stopped, which is what stop is for; a setting is not worth fencing the node.
                    log.warning("\(error)")
                }
            }
        }
        unlink(recordPath)
        return .success
    }

    private func stopDaemons(_ settings: SyncdSettings) throws(OCFError) {
        try withKernel { (client: inout IPVSClient) throws(IPVSError) in
            let running = try client.daemons()
            for daemon in settings.daemons {
                let ours = running.contains {
                    $0.role == daemon.role && $0.interface == daemon.interface && $0.syncID == daemon.syncID
                }
                if ours {
                    try client.stop(daemon.role)
                    log.info("stopped the sync \(daemon.role) on \(daemon.interface)")
                }
            }
        }
    }

    private func assess(
        _ settings: SyncdSettings,
        _ client: inout IPVSClient,
        _ record: SyncdRecord
    ) throws(IPVSError) -> SyncdAssessment {
        SyncdAssessment(
            settings.daemons,
            running: try client.daemons(),
            recorded: record.interfaceIndex,
            index: if_nametoindex(settings.daemons[0].interface)
        )
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

    private func applySettings(_ settings: SyncdSettings, _ record: inout SyncdRecord) throws(IPVSError) {
        let sysctl = IPVSSysctl()
        for assignment in settings.assignments {
            guard let present = try sysctl.value(assignment.name) else {
                if assignment.isExplicit {
                    // Setting it says so in the same words everywhere.
                    _ = try sysctl.set(assignment.name, to: assignment.value(present: ""))
                }
                log.warning("this kernel has no setting net.ipv4.vs.\(assignment.name)")
                continue
            }
            let value = assignment.value(present: present)
            if let before = try sysctl.set(assignment.name, to: value) {
                log.info("net.ipv4.vs.\(assignment.name) = \(value) (was \(before))")
                if settings.restoreSysctl {
                    record.keep(assignment.name, before)
                }
            }
        }
    }

    /// Connects to IPVS and runs `body`, with the kernel's refusals as exit codes.
    private func withKernel<Result>(
        _ body: (inout IPVSClient) throws(IPVSError) -> Result
    ) throws(OCFError) -> Result {
        do throws(IPVSError) {
            var client = try IPVSClient()
            return try body(&client)
        } catch {
            let code: OCFExit =
                switch error.code {
                case .notPermitted: .permission
                case .unavailable: .installed
                case .invalid, .alreadyExists: .configured
                default: .generic
                }
            throw OCFError(code, "\(error)")
        }
    }
}
