// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Corosync
import Glibc
public import LinuxKit

/// The running heartbeat: starts the threads, feeds the coordinator and does what it wants.
///
/// Used by one thread.
public final class HeartbeatDaemon {
    private static let beat = Duration.milliseconds(50)
    private static let suspendLimit: Int64 = 400_000_000
    private static let startTime = Duration.seconds(20)
    private static let goodbye = Duration.seconds(1)
    private static let metricsPause = Duration.seconds(5)

    private let events: EventMailbox
    private let network: NetworkThread
    private let group: HeartbeatGroup
    private let queries: CorosyncQueryThread
    private let attributes: AttributeThread
    private let log: HeartbeatLog
    private let loop: EventLoop
    private let runFile: RunFile
    private let keySource: String
    private let manager: ServiceNotifier
    private var watchedAt = MonotonicTime.now
    private var coordinator: Coordinator
    private var metrics: MetricsServer?
    private var isStopping = false
    private var bootOffset: Int64?
    private var refusalNotice = RefusalNotice()

    /// Claims the run file, reads the key and prepares everything; no thread runs yet.
    ///
    /// - Parameters:
    ///   - configuration: What the file says.
    ///   - version: Our version, for the peers and the status.
    ///   - isForeground: Whether lines of the log go to standard error.
    /// - Throws: ``SystemError``; EWOULDBLOCK of "lock" means that another heartbeat runs.
    public init(_ configuration: HeartbeatConfiguration, version: String, isForeground: Bool) throws(SystemError) {
        // Every connection to Corosync takes a cleared buffer of 1 MiB, of which little is used. Once one was freed the C
        // library would take the next out of a pool, and clearing it there touches all of it.
        _ = vervet_map_large_memory()
        manager = ServiceNotifier.takeFromEnvironment()
        runFile = try RunFile(path: configuration.processPath)
        log = try HeartbeatLog(
            file: configuration.logFile,
            level: configuration.logLevel,
            isForeground: isForeground
        )
        let key: ProbeKey?
        (key, keySource) = try ProbeKeyFile.load(configuration.authentication)
        let incarnation = UInt64.random(in: 1...UInt64.max)
        events = try EventMailbox()
        network = try NetworkThread(
            events: events,
            configuration: configuration,
            incarnation: incarnation,
            key: key,
            isLocked: RealTime.lockMemory()
        )
        group = try HeartbeatGroup(.heartbeat, queue: NewestMessages())
        queries = try CorosyncQueryThread(events: events)
        attributes = try AttributeThread(events: events)
        loop = try EventLoop()
        coordinator = Coordinator(
            configuration: configuration,
            incarnation: incarnation,
            version: version,
            at: .now
        )
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: ``SystemError`` when the control socket or the event loop cannot be set up.
    public func run() throws(SystemError) {
        // Before any thread starts, so that all of them leave the signals to this one.
        let signals = try SignalReader([SIGTERM, SIGINT], on: loop) { [unowned self] _ in stop() }
        let server = try ControlServer(coordinator.configuration.controlPath, on: loop) { [unowned self] in
            answer($0)
        }
        defer {
            withExtendedLifetime(signals) { server.close() }
            runFile.release()
        }
        serveMetrics()
        try loop.watch(events.descriptor, for: .readable) { [unowned self] _ in takeEvents(isWoken: true) }
        if keySource == "no key file" {
            log.write(
                .warning,
                "probes are not authenticated: neither /etc/vervet/authkey nor /etc/corosync/authkey exists"
            )
        }
        if let user = coordinator.configuration.user {
            // Before any thread starts: capabilities belong to threads, and are inherited.
            try Privileges.drop(to: user)
        }
        queries.start()
        group.start(HeartbeatGroupHandler(events: events, priority: coordinator.configuration.priority))
        attributes.start()
        network.start()
        beat()
        manager.send(["READY=1"])
        loop.after(Self.startTime) { RealTime.lockCode() }
        try loop.run()
        log.write(.notice, "heartbeat ends")
    }

    /// Listens where the figures shall be fetched; an address that is not there yet is tried again, and stops nothing.
    private func serveMetrics(isFirst: Bool = true) {
        guard let endpoint = coordinator.configuration.metrics else {
            return
        }
        do {
            metrics = try MetricsServer(endpoint, on: loop) { [unowned self] in
                var text: String? = report.metrics
                return { text.take() }
            }
        } catch {
            if isFirst {
                log.write(.warning, "metrics: not available, trying again: \(error)")
            }
            loop.after(Self.metricsPause) { [unowned self] in serveMetrics(isFirst: false) }
        }
    }

    private var report: StatusReport {
        StatusReport(
            coordinator: coordinator,
            counters: network.counters,
            tryAgainTotal: group.tryAgainTotal,
            keySource: keySource,
            now: .now
        )
    }

    private func beat() {
        noticeSuspension()
        tellManager()
        if let line = refusalNotice.line(group.tryAgainTotal, at: .now) {
            log.write(.info, line)
        }
        takeEvents()
        if !isStopping {
            perform(coordinator.tick(at: .now))
        }
        loop.after(coordinator.nextTick(after: .now)) { [unowned self] in beat() }
    }

    /// Says that we live three times as often as the service manager wants to hear it, where one does.
    private func tellManager() {
        let now = MonotonicTime.now
        if let interval = manager.watchdogInterval, now - watchedAt >= interval / 3 {
            watchedAt = now
            manager.send(["WATCHDOG=1"])
        }
    }

    /// CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not (clock_gettime(2)).
    private func noticeSuspension() {
        var boot = timespec()
        // Cannot fail: the clock exists.
        _ = clock_gettime(CLOCK_BOOTTIME, &boot)
        let now = MonotonicTime.now
        let offset = Int64(boot.tv_sec) * 1_000_000_000 + Int64(boot.tv_nsec) - now.nanoseconds
        if let bootOffset, offset - bootOffset > Self.suspendLimit {
            coordinator.handle(.late(.nanoseconds(offset - bootOffset)), at: now)
        }
        bootOffset = offset
    }

    /// - Parameter isWoken: Whether an event asked for it; probes without news do not.
    private func takeEvents(isWoken: Bool = false) {
        var isUrgent = false
        for timed in events.drain() {
            if case .topology(let listed) = timed.event {
                let topology = listed.applying(coordinator.configuration.addresses)
                coordinator.handle(.topology(topology), at: timed.time)
                network.post(.topology(topology))
                isUrgent = true
                continue
            }
            coordinator.handle(timed.event, at: timed.time)
            switch timed.event {
            case .attribute(let attribute, _) where isStopping && attribute.isTheLast:
                loop.stop()
            case .pingReply, .knet, .rejected: continue
            case .probe where !isWoken: continue
            default: break
            }
            isUrgent = true
        }
        if isUrgent, !isStopping {
            perform(coordinator.tick(at: .now))
        }
    }

    private func perform(_ effects: [HeartbeatEffect]) {
        for effect in effects {
            switch effect {
            case .multicast(let kind, let bytes): group.outbox.add(.init(kind, bytes))
            case .publish(let wanted, let again):
                attributes.publish(wanted, of: coordinator.topology?.localNode ?? 0, again: again)
            case .probes(let content): network.post(.content(content))
            case .watchKnet(let closely): queries.watch(closely: closely)
            case .log(let level, let text): log.write(level, text)
            }
        }
    }

    private func stop() {
        guard !isStopping else {
            return
        }
        isStopping = true
        manager.send(["STOPPING=1"])
        let effects = coordinator.stop(at: .now)
        perform(effects)
        let hasAttributes = effects.contains { effect in
            if case .publish = effect {
                return true
            }
            return false
        }
        // The goodbye takes a moment to leave; Pacemaker may be too busy for an attribute when it stops itself.
        loop.after(hasAttributes ? Self.goodbye : Self.beat) { [unowned self] in loop.stop() }
    }

    private func answer(_ request: String) -> String {
        // What has come quietly belongs into the answer.
        takeEvents()
        if let order = OperatorOrder(request) {
            let answer = coordinator.obey(order, at: .now)
            perform(coordinator.tick(at: .now))
            return answer + "\n"
        }
        switch request {
        case "ping": return report.ping + "\n"
        case "status": return report.text
        case "status json": return report.json
        case "explain": return report.explanation
        case "history": return report.history(nil)
        case "metrics": return report.metrics
        case "nodes": return report.nodes
        case "nodes ping": return report.pingNodes
        case "nodes json": return report.nodesJSON
        case let other where other.hasPrefix("history "):
            return report.history(Int(other.dropFirst("history ".count)))
        case let other where other.hasPrefix("links "): return report.links(of: String(other.dropFirst("links ".count)))
        default:
            return "error: unknown request; known: ping, status, status json, explain, history [N], metrics, nodes, "
                + "nodes ping, nodes json, "
                + "links NODE, force fault|healthy SECONDS, force off, maintenance on [SECONDS] [cluster], "
                + "maintenance off [cluster]\n"
        }
    }
}
