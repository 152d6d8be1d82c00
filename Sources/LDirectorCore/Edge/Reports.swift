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
    /// Reloads that were done and refused.
    var reloads = (done: 0, refused: 0)

    init(on loop: EventLoop, log: EventLog) {
        self.loop = loop
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
        queue.route = settings.mailRelay.map { .relay($0) } ?? .localMailer
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
