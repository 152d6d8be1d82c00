// SPDX-License-Identifier: Apache-2.0
import Corosync
import Glibc
import HeartbeatCore
public import LinuxKit

/// The running relay: joins the threads, the sockets and the decisions.
///
/// Used by one thread.
public final class RelayDaemon {
    /// Datagrams of the kernel that are taken before others have their turn.
    private static let burst = 256
    /// Messages that are taken before others have their turn, and how many may wait.
    private static let messages = 32
    private static let longestQueue = 2048
    private static let reopenInterval = Duration.seconds(1)
    private static let goodbye = Duration.milliseconds(100)

    let configuration: RelayConfiguration
    let version: String
    private let log: RelayLog
    private let loop: EventLoop
    private let events: Mailbox<RelayEvent>
    private let group: RelayGroup
    private let table: TableThread
    private let runFile: RunFile
    private(set) var engine: RelayEngine
    private(set) var tap: TapSocket?
    private(set) var injection: InjectionSocket?
    private(set) var tapProblem = "not opened yet"
    private(set) var injectionProblem = "not opened yet"
    private(set) var oldTapDrops: UInt64 = 0
    /// Messages of others that were dropped because more came than could be taken.
    private(set) var overruns: UInt64 = 0
    private(set) var datagrams: DatagramTransport?
    private let key: ProbeKey?
    private var tapIndex: UInt32 = 0
    private var injectionIndex: UInt32 = 0
    private var timer: EventLoop.TimerID?
    private var isStopping = false
    private var isPumping = false
    private var pending: [RelayEvent] = []
    private var isContinuing = false

    /// Claims the run file and prepares everything; no thread runs yet.
    ///
    /// - Parameters:
    ///   - configuration: What was asked for.
    ///   - version: Our version, for the status.
    /// - Throws: ``SystemError``; EWOULDBLOCK of "lock" means that another relay runs.
    public init(_ configuration: RelayConfiguration, version: String) throws(SystemError) {
        var configuration = configuration
        configuration.settings.dataComesBack = configuration.transport == .cpg
        if configuration.transport == .udp {
            configuration.settings.envelopeLength = DatagramTransport.envelopeLength
            configuration.settings.byteRate = DatagramTransport.byteRate
            configuration.settings.envelopeRate = DatagramTransport.envelopeRate
            key = try DatagramTransport.key(configuration.keyFile)
        } else {
            key = nil
        }
        self.configuration = configuration
        self.version = version
        runFile = try RunFile(path: configuration.processPath)
        log = RelayLog(isForeground: configuration.isForeground)
        loop = try EventLoop()
        events = try Mailbox()
        group = try RelayGroup(.relay(configuration.processGroup), queue: RelayQueue())
        table = try TableThread(events: events, outbox: group.outbox)
        let incarnation = UInt64.random(in: 1...UInt64.max)
        engine = RelayEngine(configuration.settings, incarnation: incarnation, at: loop.now)
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: ``SystemError`` when the control socket or the event loop cannot be set up.
    public func run() throws(SystemError) {
        // Before any thread starts, so that all of them leave the signals to this one.
        let signals = try SignalReader([SIGTERM, SIGINT], on: loop) { [unowned self] _ in stop() }
        let server = try ControlServer(configuration.controlPath, on: loop) { [unowned self] in answer($0) }
        defer {
            withExtendedLifetime(signals) { server.close() }
            runFile.release()
        }
        try loop.watch(events.descriptor, for: .readable) { [unowned self] _ in takeEvents() }
        keepOpen()
        table.start()
        group.start(RelayGroupHandler(events))
        tick()
        try loop.run()
        log.write(.notice, "the relay ends")
    }

    // MARK: - The kernel's side

    /// Opens what is not open, also when an interface was replaced; again and again, because interfaces come and go.
    private func keepOpen() {
        let captureIndex = if_nametoindex(configuration.captureInterface)
        if tap == nil || captureIndex != tapIndex {
            openTap(captureIndex)
        }
        let receiveIndex = if_nametoindex(configuration.injectionInterface)
        if injection == nil || receiveIndex != injectionIndex {
            do throws(SystemError) {
                injection = try InjectionSocket(
                    configuration.injectionInterface,
                    group: configuration.group,
                    port: configuration.port
                )
                injectionProblem = ""
            } catch {
                injection = nil
                note(&injectionProblem, "cannot inject: \(error)")
            }
            injectionIndex = receiveIndex
        }
        tap?.countDrops()
        loop.after(Self.reopenInterval) { [unowned self] in keepOpen() }
    }

    private func openTap(_ index: UInt32) {
        closeTap()
        tapIndex = index
        do throws(SystemError) {
            let opened = try TapSocket(
                configuration.captureInterface,
                group: configuration.group,
                port: configuration.port
            )
            try loop.watch(opened.raw, for: .readable) { [unowned self] _ in capture() }
            tap = opened
            tapProblem = ""
        } catch {
            note(&tapProblem, "cannot see the master's datagrams: \(error)")
        }
    }

    private func closeTap() {
        if let tap {
            loop.unwatch(tap.raw)
            tap.countDrops()
            oldTapDrops += tap.drops
        }
        tap = nil
    }

    private func note(_ place: inout String, _ problem: String) {
        if place != problem {
            log.write(.error, problem)
            place = problem
        }
    }

    private func capture() {
        let now = loop.turn
        do throws(SystemError) {
            try tap?.receive(limit: Self.burst) { engine.captured($0, at: now) }
        } catch {
            closeTap()
            note(&tapProblem, "cannot see the master's datagrams: \(error)")
        }
        tick()
    }

    // MARK: - Time and events

    private func tick() {
        let now = loop.now
        if !isStopping {
            engine.tick(at: now)
        }
        perform(now)
        if let timer {
            loop.cancel(timer)
        }
        timer = loop.after(engine.nextTick(at: now)) { [unowned self] in
            timer = nil
            tick()
        }
    }

    private func takeEvents() {
        let now = loop.now
        pending += events.drain()
        if pending.count > Self.longestQueue {
            dropOldest()
        }
        let turn = Array(pending.prefix(Self.messages))
        pending.removeFirst(turn.count)
        for event in turn {
            switch event {
            case .joined(let node): engine.joined(as: node, at: now)
            case .members(let nodes): engine.members(nodes, at: now)
            case .delivered(let sequence): engine.delivered(sequence, at: now)
            case .message(let sender, let bytes): engine.received(bytes, from: sender, over: .group, at: now)
            case .separated(let reason): engine.separated(reason, at: now)
            case .topology(let topology): connect(topology)
            case .counted(let local, let total): engine.counted(local: local, total: total, at: now)
            case .localKeys(let keys): engine.localKeys(keys, at: now)
            case .learned(let readings): engine.learned(readings, at: now)
            case .snapshotSent(let records, let skipped, let isRemembered):
                engine.snapshotSent(records: records, skipped: skipped, isRemembered: isRemembered)
            case .log(let level, let text): log.write(level, text)
            }
        }
        if !pending.isEmpty, !isContinuing {
            isContinuing = true
            loop.soon { [unowned self] in
                isContinuing = false
                takeEvents()
            }
        }
        tick()
    }

    /// More comes than can be taken: old messages go, and their numbers tell that they are missing.
    private func dropOldest() {
        var surplus = pending.count - Self.longestQueue
        pending.removeAll { event in
            guard surplus > 0, case .message = event else {
                return false
            }
            surplus -= 1
            overruns += 1
            return true
        }
    }

    private func perform(_ now: SuspendingClock.Instant) {
        for effect in engine.takeEffects() {
            switch effect {
            case .sendData(let bytes):
                if let datagrams {
                    datagrams.send(bytes)
                } else if configuration.transport == .cpg {
                    group.outbox.add(.data(bytes))
                }
            case .sendControl(let bytes): group.outbox.add(.order(bytes))
            case .inject(let datagram): injection?.add(datagram)
            case .countTable: table.post(.count(engine.memory))
            case .readLocalKeys: table.post(.localKeys(engine.memory))
            case .sendSnapshot(let id, let scope):
                let template = RelayEnvelope(
                    node: engine.node ?? 0,
                    incarnation: engine.incarnation,
                    sequence: engine.sequence,
                    content: .bye
                )
                log.write(.notice, "node \(id.requester) asks for \(scope) connections")
                table.post(.snapshot(id, scope, template, engine.memory))
            case .log(let level, let text): log.write(level, text)
            }
        }
        pump(now)
    }

    private func pump(_ now: SuspendingClock.Instant) {
        guard !isPumping, let wait = injection?.pump(at: now) else {
            return
        }
        isPumping = true
        loop.after(wait) { [unowned self] in
            isPumping = false
            pump(loop.now)
        }
    }

    private func connect(_ topology: RelayTopology) {
        guard configuration.transport == .udp, let key, datagrams?.topology != topology else {
            return
        }
        datagrams?.close()
        datagrams = DatagramTransport(topology, key: key, port: configuration.transportPort, loop: loop) {
            [unowned self] in
            engine.received($1, from: $0, over: .datagram, at: loop.turn)
        } done: { [unowned self] in
            perform(loop.turn)
        }
        for problem in datagrams?.problems ?? [] {
            log.write(.error, problem)
        }
    }

    private func stop() {
        guard !isStopping else {
            return
        }
        isStopping = true
        engine.stop()
        perform(loop.now)
        // The goodbye takes a moment to leave.
        loop.after(Self.goodbye) { [unowned self] in loop.stop() }
    }

    private func answer(_ request: String) -> String {
        let report = RelayReport(self, outboxDrops: group.outbox.inspect(\.dropped), now: loop.now)
        switch request {
        case "ping": return report.ping + "\n"
        case "status": return report.text
        case "status json": return report.json + "\n"
        case "resync":
            engine.resync(at: loop.now)
            return "asking the other directors for their connections\n"
        default: return "error: unknown request; known: ping, status, status json, resync\n"
        }
    }
}
