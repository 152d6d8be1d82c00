// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
public import LinuxKit

/// The running director: checks, decisions, and the kernel's table, all on one event loop.
public final class Daemon {
    /// Why the daemon cannot start.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// One line: what is wrong and what to do.
        public let description: String
    }

    static let signals = [SIGHUP, SIGUSR1, SIGUSR2] + SignalReader.stops.map(\.key)
    static let retryDelay = Duration.seconds(5)
    /// Enough for as many servers as do not answer.
    private static let descriptors = 32_768
    /// What is open beside checks: log, netlink, control and metrics, programs.
    private static let otherDescriptors = 256

    let loop: EventLoop
    let log: EventLog
    let table: TableOwner
    let file: ConfigurationFile
    let files: RuntimeFiles
    var director = Director()
    var scheduler: CheckScheduler
    var idleWatches: IdleWatches
    var watcher: ConfigurationWatcher
    let callback: Callback
    /// Mails and counters.
    let reports: Reports
    let lifeCycle: LifeCycle
    let startedAt = SuspendingClock.now
    /// What is wrong with the file on disk, when it is not the one in force.
    var rejected: [String] = [] {
        didSet { tellOfRejection(after: oldValue) }
    }
    /// Services whose last write was refused, with the reason.
    var refused: [VirtualServiceKey: String] = [:]
    private var pending: [ServerID] = []
    /// Those of them that only have another weight by their check, of which nobody wants a mail.
    private var reweighed: Set<ServerID> = []
    var flushIsPlanned = false
    private var retryIsPlanned = false
    private(set) var isStopping = false
    /// The bytes of the configuration in force.
    var contentInForce: [UInt8]
    var reading = PendingReading()
    private var signals: SignalReader?
    private var control: ControlServer?

    /// Connects to the kernel and brings its table to the state of the configuration.
    ///
    /// - Parameters:
    ///   - file: The configuration file.
    ///   - reading: What it says; must have a configuration.
    ///   - files: The instance's runtime files, whose locks the caller holds.
    ///   - log: The event log.
    ///   - manager: The service manager that wants to know how we stand.
    /// - Throws: ``Failure``.
    public init(
        _ file: ConfigurationFile,
        _ reading: ConfigurationFile.Reading,
        files: RuntimeFiles,
        log: EventLog,
        manager: ServiceNotifier = ServiceNotifier()
    ) throws(Failure) {
        guard let configuration = reading.configuration else {
            throw Failure(description: reading.report)
        }
        self.file = file
        self.files = files
        self.log = log
        do throws(SystemError) {
            loop = try EventLoop()
            // A reload or a stop may be asked for while the first table is still being written.
            try SignalReader.hold(Self.signals)
        } catch {
            throw Failure(description: error.description)
        }
        do throws(IPVSError) {
            table = try TableOwner()
        } catch {
            throw Failure(description: error.description)
        }
        watcher = ConfigurationWatcher(file, content: reading.content)
        contentInForce = reading.content
        callback = Callback(on: loop, log: log)
        reports = Reports(on: loop, log: log, manager: manager)
        lifeCycle = LifeCycle(on: loop, log: log, files: files)
        scheduler = CheckScheduler(on: loop) { _, _ in }
        idleWatches = IdleWatches(on: loop, limit: 0) { _ in }
        let limit = max(128, DescriptorLimit.raise(to: Self.descriptors) - Self.otherDescriptors)
        scheduler = CheckScheduler(on: loop, limit: limit / 2) { [weak self] plan, result in
            self?.checked(plan, result)
        }
        idleWatches = IdleWatches(on: loop, limit: limit / 2) { [weak self] plan in
            self?.scheduler.checkAgain(plan)
        }
        director.restoreOrders(lifeCycle.orderFile.read())
        do throws(IPVSError) {
            try install(configuration)
        } catch {
            throw Failure(description: error.description)
        }
    }

    /// Serves until a terminating signal, then cleans up as configured.
    ///
    /// - Parameter ready: Called when checks, signals and control socket are in place.
    /// - Throws: ``Failure``.
    public func run(ready: () -> Void) throws(Failure) {
        do throws(SystemError) {
            signals = try SignalReader(
                Self.signals,
                on: loop
            ) { [weak self] in self?.received($0) }
            if files.isAvailable {
                control = try ControlServer(files.controlSocket, on: loop) { [weak self] in
                    self?.answer($0) ?? RequestServer.Answer(Array("stopping\n".utf8))
                }
            }
            pollConfiguration()
            lookUpNamesAgain()
            reportEverySecond()
            ready()
            lifeCycle.children.serve(director.configuration.daemon.childConfigurations)
            reports.manager.send(["READY=1", "MAINPID=\(getpid())"])
            try loop.run()
        } catch {
            throw Failure(description: error.description)
        }
        control?.close()
        reports.close()
    }

    // MARK: Checks

    private func checked(_ plan: CheckPlan, _ result: CheckResult) {
        idleWatches.checked(plan, result.outcome)
        let transitions = director.record(result, of: plan, at: loop.turn)
        take(transitions)
        tell(of: result, of: plan, transitions)
        monitor(plan)
        followCheck(of: plan, transitions)
    }

    /// Carries out what was decided about servers: the table follows together with other results of this turn of the loop.
    func take(_ transitions: [Transition]) {
        for transition in transitions {
            if let line = director.line(for: transition) {
                log.write(line)
                if case .retained = transition.kind {
                    // Somebody has to know of a server that is used although it fails.
                    tell(line, of: transition.server.service)
                }
            }
        }
        for transition in transitions where transition.concernsTable {
            if case .weight = transition.kind, director.states[transition.server]?.weightOverride == nil {
                if !pending.contains(transition.server) {
                    reweighed.insert(transition.server)
                }
            } else {
                reweighed.remove(transition.server)
            }
        }
        pending += transitions.filter(\.concernsTable).map(\.server)
        if !pending.isEmpty, !flushIsPlanned {
            flushIsPlanned = true
            loop.soon { [weak self] in self?.flush() }
        }
    }

    func flush() {
        flushIsPlanned = false
        let servers = pending
        let noteworthy = servers.filter { !reweighed.contains($0) }
        pending = []
        reweighed = []
        defer { endPhase() }
        guard !servers.isEmpty, !isStopping else {
            return
        }
        do throws(IPVSError) {
            let current = try table.read(Set(servers.map(\.service)))
            let changes = director.changes(after: servers, current: current)
            perform(changes, after: noteworthy)
            for (server, line) in director.silentLines(noteworthy, changes, current) {
                log.write(line)
                tell(line, of: server.service)
            }
        } catch {
            refuse(Dictionary(servers.map { ($0.service, error.description) }) { first, _ in first })
        }
    }

    // MARK: Kernel

    /// Makes changes and logs those that are done; the refused ones go to the retry.
    func perform(_ changes: [PlannedChange], after transitions: [ServerID] = []) {
        var failed: [VirtualServiceKey: String] = [:]
        var delay = Self.retryDelay
        do throws(IPVSError) {
            let failures = try table.apply(changes.map(\.change))
            let refusals = Set(failures.map(\.change))
            for change in changes where !refusals.contains(change.change) {
                log.write(change.line)
                tell(of: change, after: transitions)
            }
            for failure in failures {
                failed[failure.change.serviceKey] = failed[failure.change.serviceKey] ?? failure.description
            }
        } catch {
            failed = Dictionary(changes.map { ($0.change.serviceKey, error.description) }) { first, _ in first }
            // Lost answers: what was done is not known, but can soon be read.
            delay = error.code == .resourcesExhausted || error.code == .noAnswer ? .seconds(1) : delay
        }
        refuse(failed, retryAfter: delay)
    }

    func refuse(_ failed: [VirtualServiceKey: String], retryAfter delay: Duration = Daemon.retryDelay) {
        for (key, reason) in failed where refused.updateValue(reason, forKey: key) != reason {
            let line = "Virtual server \(key) not as configured, trying again: \(reason)"
            log.write(line)
            tell(line, of: key)
        }
        guard !failed.isEmpty, !retryIsPlanned else {
            return
        }
        retryIsPlanned = true
        loop.after(delay) { [weak self] in self?.retry() }
    }

    private func retry() {
        retryIsPlanned = false
        guard !refused.isEmpty, !isStopping else {
            return
        }
        let before = refused
        let keys = Set(before.keys)
        do throws(IPVSError) {
            let current = try table.read(keys)
            perform(director.synchronisation(with: current, former: keys, only: keys))
            // A refusal plans the next retry; without one, everything is as it shall be.
            if !retryIsPlanned {
                refused = [:]
                for key in keys.filter({ director.virtuals[$0] != nil }).sorted(by: { "\($0)" < "\($1)" }) {
                    log.write("Virtual server \(key) is as configured now")
                }
            }
        } catch {
            refuse(before.mapValues { _ in error.description })
        }
    }

    // MARK: Signals

    private func received(_ signal: CInt) {
        switch signal {
        case SIGHUP:
            log.write("Signal HUP: reloading configuration \(file.path)")
            reloadInBackground()
        case SIGUSR1: dumpState()
        case SIGUSR2: scheduler.checkAll()
        default: stop(signal)
        }
    }

    private func stop(_ signal: CInt) {
        guard !isStopping else {
            return
        }
        isStopping = true
        reports.phase = .stopping
        reports.manager.send(["STOPPING=1", "STATUS=cleaning up"])
        scheduler.stop()
        idleWatches.stop()
        let name = SignalReader.stops.first { $0.key == signal }?.value ?? "\(signal)"
        log.write("Linux Director Daemon terminated on signal: \(name)")
        do throws(IPVSError) {
            let current = try table.read(Set(director.configuration.virtualServers.map(\.key)))
            for change in director.cleanup(of: current) {
                for line in director.purgeLines(change.change.serviceKey) {
                    log.write(line)
                    tell(line, of: change.change.serviceKey)
                }
                perform([change])
            }
        } catch {
            log.write("Cannot clean the kernel's table: \(error)")
        }
        stopLifeCycle { [loop, reports] in
            reports.finish { loop.stop() }
        }
    }
}
