// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import LDirectorConfig
import LinuxKit

/// What people and programs are told beside the log: mails, and counters.
final class Reports {
    /// The checks of one server in one virtual, since the start.
    struct Counters: Equatable {
        var up = 0
        var down = 0
        var time = Duration.zero
        var longest = Duration.zero
        var transitions = 0
    }

    /// Alerts of so much time go into one mail.
    static let window = Duration.seconds(1)
    /// How long the end of the daemon may wait for its last mails.
    static let farewell = Duration.seconds(3)

    private let loop: EventLoop
    private let log: EventLog
    let queue: MailQueue
    let host: String
    private(set) var book = AlertBook()
    private var mailIsPlanned = false
    /// What the daemon is doing.
    var phase = MailSettings.Phase.starting
    private var hasBegun = false
    /// What is known about each server.
    var counters: [ServerID: Counters] = [:]
    /// Servers that were not checked yet since the start or the last reload.
    var unchecked: Set<ServerID> = []
    /// Since when the file on disk is faulty.
    var rejectedAt: SuspendingClock.Instant?
    /// The service manager.
    let manager: ServiceNotifier
    private var lastBeat: SuspendingClock.Instant?
    private var metrics: (endpoint: MetricsEndpoint, server: MetricsServer)?
    private var nextMetricsAttempt: SuspendingClock.Instant?
    /// Reloads that were done and refused.
    var reloads = (done: 0, refused: 0)

    init(on loop: EventLoop, log: EventLog, manager: ServiceNotifier) {
        self.loop = loop
        self.log = log
        self.manager = manager
        var buffer = [CChar](repeating: 0, count: 256)
        host = gethostname(&buffer, buffer.count - 1) == 0 ? String(nulTerminated: buffer) : "localhost"
        queue = MailQueue(on: loop, log: log, host: host)
    }

    /// A configuration is put in force.
    func begin(_ settings: DaemonSettings) {
        if hasBegun {
            phase = .reloading
            reloads.done += 1
        }
        hasBegun = true
        queue.follow(settings.mail.relay)
    }

    /// The configuration is in force: servers without a result are those whose first check is awaited.
    func follow(_ director: Director) {
        counters = counters.filter { director.states[$0.key] != nil }
        unchecked = Set(
            director.subscribers.values.joined().filter { director.states[$0]?.lastCheck == nil }
        )
    }

    /// Takes note of an alert; its mail follows soon, together with what else happens meanwhile.
    func add(_ alert: Alert) {
        book.add(alert)
        planMail()
    }

    /// Reminds of servers that are down.
    func remind(of director: Director, at now: SuspendingClock.Instant) {
        book.remind(of: director, phase: phase, at: now)
        planMail()
    }

    /// Sends what there is to tell, then calls `action`, in bounded time.
    func finish(_ action: @escaping () -> Void) {
        book.takeMails(from: host).forEach(queue.send)
        queue.finish(within: Self.farewell, action)
    }

    /// Listens where the figures shall be fetched; what fails is tried again.
    func serveMetrics(at endpoint: MetricsEndpoint?, figures: @escaping () -> () -> String?) {
        if metrics?.endpoint != endpoint {
            // Closed first: the next one may have the same path or port.
            metrics = nil
        }
        guard let endpoint, metrics == nil, nextMetricsAttempt.map({ $0 <= loop.now }) ?? true else {
            return
        }
        do {
            metrics = (endpoint, try MetricsServer(endpoint, on: loop, figures: figures))
            nextMetricsAttempt = nil
        } catch {
            if nextMetricsAttempt == nil {
                log.write("metrics: not available, trying again: \(error)")
            }
            nextMetricsAttempt = loop.now + .seconds(5)
        }
    }

    /// Stops serving figures.
    func close() { metrics = nil }

    /// Tells the service manager's watchdog that we work, twice as often as it wants to hear it.
    func beat(status: @autoclosure () -> String) {
        let now = loop.now
        let interval = manager.watchdogInterval.map { $0 / 2 } ?? .seconds(10)
        guard manager.socketPath != nil, lastBeat.map({ now - $0 + .milliseconds(500) >= interval }) ?? true else {
            return
        }
        lastBeat = now
        manager.send((manager.watchdogInterval == nil ? [] : ["WATCHDOG=1"]) + ["STATUS=\(status())"])
    }

    private func planMail() {
        guard book.hasMail, !mailIsPlanned else {
            return
        }
        mailIsPlanned = true
        loop.after(Self.window) { [weak self] in self?.mail() }
    }

    private func mail() {
        mailIsPlanned = false
        guard queue.hasAllowance else {
            return planMail()
        }
        book.takeMails(from: host).forEach(queue.send)
    }
}
