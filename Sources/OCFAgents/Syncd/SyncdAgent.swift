// SPDX-License-Identifier: Apache-2.0
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
            those of the others, and a failover changes nothing in the daemons. As a promotable clone it may follow \
            the service with its role, see mode. The virtual services must exist on a director before the virtual \
            address arrives there; a kernel without any service resets what it has learned.
            """,
        parameters: SyncdParameters.all,
        actions: [
            ActionDeclaration(.start, timeout: 30, needsRoot: true),
            ActionDeclaration(.stop, timeout: 20, needsRoot: true),
            ActionDeclaration(.promote, timeout: 30, needsRoot: true),
            ActionDeclaration(.demote, timeout: 30, needsRoot: true),
            ActionDeclaration(.notify, timeout: 5),
            ActionDeclaration(.reloadAgent, timeout: 30, needsRoot: true),
            ActionDeclaration(.monitor, timeout: 20, interval: 10, role: "Unpromoted", needsRoot: true),
            ActionDeclaration(.monitor, timeout: 20, interval: 11, role: "Promoted", needsRoot: true),
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
        case .start: try start()
        case .reloadAgent: try reload()
        case .stop: try stop()
        case .promote: try promote()
        case .demote: try demote()
        case .monitor, .status: try monitor()
        case .validateAll: try validate()
        // Nothing depends on what the peers do.
        case .notify: .success
        default: throw OCFError(.unimplemented, "action \(action.rawValue) is not offered")
        }
    }

    /// Without the module there are no daemons; asking by netlink would load it.
    var hasIPVS: Bool { access("/proc/net/ip_vs", F_OK) == 0 }

    var recordPath: String { SyncdRecord.path(environment) }

    /// Reads the parameters and moves into the network namespace that they name.
    private func settings() throws(OCFError) -> SyncdSettings {
        let settings = try SyncdSettings(environment)
        try namespace.enter()
        return settings
    }

    private var namespace: NetworkNamespaceEntry {
        let parameter = SyncdParameters.namespace
        return NetworkNamespaceEntry(parameter.name, environment.text(parameter))
    }

    private func monitor() throws(OCFError) -> OCFExit {
        if namespace.isMissing {
            return .notRunning
        }
        let settings = try settings()
        guard hasIPVS else {
            log.debug("ip_vs is not loaded")
            return .notRunning
        }
        var record = SyncdRecord.load(recordPath) ?? SyncdRecord()
        let assessment = try withKernel { (client: inout IPVSClient) throws(IPVSError) in
            try assess(settings, record, &client)
        }
        let exit = assessment.exit(isPromoted: record.isPromoted)
        if assessment.hasForeign, exit == .notRunning {
            log.info(assessment.complaint)
        }
        let complaint = exit == .notRunning ? nil : fault(assessment, settings, record)
        let before = record.score
        if environment.isProbe {
            // The first thing that a Pacemaker does which has lost its attributes.
            record.score = nil
        } else if complaint != nil {
            PromotionScore(environment, log).tell(PromotionScore.partly, &record)
        } else if exit != .notRunning {
            PromotionScore(environment, log).tellRunning(settings, &record)
        }
        if record.score != before {
            save(record)
        }
        if let complaint {
            throw OCFError(record.isPromoted ? .failedPromoted : .generic, complaint)
        }
        return exit
    }

    /// What is wrong where something of ours runs; nil when all is well.
    private func fault(_ found: SyncdAssessment, _ settings: SyncdSettings, _ record: SyncdRecord) -> String? {
        if [.generic, .failedPromoted].contains(found.exit(isPromoted: record.isPromoted)) {
            return found.complaint
        }
        let isSending = settings.daemons(isPromoted: record.isPromoted).contains { $0.role == .master }
        if isSending, settings.exposure != nil, !nudgeFile.isOwnerAlive {
            return "the process that bounds the exposure of new connections does not run"
        }
        return settings.relay.flatMap { RelayProcess(settings: $0).complaint }
    }

    private func validate() throws(OCFError) -> OCFExit {
        let settings = try settings()
        if let relay = settings.relay, access(relay.binary, X_OK) != 0 {
            throw OCFError(.installed, "\(relay.binary) is not installed on this node; install it, or set relay_binary")
        }
        for daemon in settings.allDaemons where settings.relay == nil && if_nametoindex(daemon.interface) == 0 {
            throw OCFError(.installed, "interface \(daemon.interface) does not exist on this node")
        }
        return .success
    }

    private func start() throws(OCFError) -> OCFExit {
        let settings = try settings()
        var record = SyncdRecord.load(recordPath) ?? SyncdRecord()
        record.isPromoted = false
        try loadModule(settings)
        try run(settings, &record)
        PromotionScore(environment, log).tellRunning(settings, &record)
        save(record)
        return .success
    }

    private func reload() throws(OCFError) -> OCFExit {
        let settings = try settings()
        var record = SyncdRecord.load(recordPath) ?? SyncdRecord()
        try run(settings, &record)
        return .success
    }

    private func promote() throws(OCFError) -> OCFExit {
        guard try changeRole(isPromoted: true) == .success else {
            throw OCFError(.notRunning, "the sync daemons do not run: start comes before promote")
        }
        return .success
    }

    private func demote() throws(OCFError) -> OCFExit { try changeRole(isPromoted: false) }

    /// Gives the running daemons another role.
    ///
    /// - Returns: ``OCFExit/notRunning`` when none runs.
    private func changeRole(isPromoted: Bool) throws(OCFError) -> OCFExit {
        guard hasIPVS, !namespace.isMissing else {
            return .notRunning
        }
        let settings = try settings()
        var record = SyncdRecord.load(recordPath) ?? SyncdRecord()
        let present = try withKernel { (client: inout IPVSClient) throws(IPVSError) in
            try assess(settings, record, &client).exit(isPromoted: record.isPromoted)
        }
        guard present != .notRunning else {
            return .notRunning
        }
        record.isPromoted = isPromoted
        try run(settings, &record)
        return .success
    }

    private func stop() throws(OCFError) -> OCFExit {
        var record = SyncdRecord.load(recordPath) ?? SyncdRecord()
        do throws(SystemError) {
            try NudgeProcess.end(nudgeFile)
        } catch {
            throw OCFError(error)
        }
        // Parameters that start would refuse never started anything.
        if !namespace.isMissing, let settings = try? settings() {
            if hasIPVS {
                do throws(OCFError) {
                    try end(settings)
                } catch {
                    guard error.code == .installed else {
                        throw error
                    }
                    log.info("ip_vs was unloaded meanwhile")
                }
                restoreSettings(record)
            }
            try endRelay(settings)
        }
        PromotionScore(environment, log).tell(nil, &record)
        unlink(recordPath)
        return .success
    }

    /// Writes the record; only a warning when that fails, because the daemons run without it.
    func save(_ record: SyncdRecord) {
        do {
            try record.save(recordPath)
        } catch {
            log.warning("\(error): the role, and a replaced interface, will not be noticed")
        }
    }

    /// Connects to IPVS and runs `body`, with the kernel's refusals as exit codes.
    func withKernel<Result>(
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
