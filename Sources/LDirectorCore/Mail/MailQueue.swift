// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import HealthChecks
import LDirectorConfig
import LinuxKit

/// Mails on their way: one at a time, tried again for a day, never in the way of the checks.
///
/// Where one cannot be delivered, those with the same way wait with it, and others do not.
final class MailQueue {
    private struct Outgoing {
        var message: MailMessage
        var recipients: [String]
        let content: [UInt8]
        let since: SuspendingClock.Instant
        var attempts = 0
    }

    private static let capacity = 100
    private static let patience = Duration.seconds(86_400)
    /// The most mails in a burst, and the time in which one more is allowed.
    private static let burst = 10
    private static let refill = Duration.seconds(6)

    private let loop: EventLoop
    private let log: EventLog
    private let host: String
    /// The usual way of the mails; nil is the local mailer.
    private var relay: String?
    private var queue: [Outgoing] = []
    private var delivery: SMTPDelivery?
    private var run: CommandRun?
    /// The place of the mail that is being delivered.
    private var current: Int?
    /// Until when a way is not tried.
    private var pauses: [String?: SuspendingClock.Instant] = [:]
    private var timer: EventLoop.TimerID?
    private var allowance: (mails: Int, at: SuspendingClock.Instant)
    private var whenEmpty: (() -> Void)?
    /// Mails that were delivered and given up since the start.
    private(set) var counters = (sent: 0, failed: 0)

    init(on loop: EventLoop, log: EventLog, host: String) {
        self.loop = loop
        self.log = log
        self.host = host
        allowance = (Self.burst, loop.now)
    }

    /// Whether another mail may be sent now; if not, alerts are better gathered into the next one.
    var hasAllowance: Bool {
        let gained = Int((loop.now - allowance.at) / Self.refill)
        return allowance.mails + gained > 0 && queue.count < Self.capacity
    }

    /// How many mails wait.
    var count: Int { queue.count }

    /// Queues a mail; the log tells of it.
    func send(_ message: MailMessage) {
        let gained = Int((loop.now - allowance.at) / Self.refill)
        allowance = (min(Self.burst, allowance.mails + gained) - 1, gained > 0 ? loop.now : allowance.at)
        log.write("emailalert: \(message.subject)")
        queue.append(
            Outgoing(
                message: message,
                recipients: message.recipients,
                content: message.encoded(origin),
                since: loop.now
            )
        )
        next()
    }

    /// Takes the usual relay of another configuration; mails that wait for the former one take the new way.
    func follow(_ relay: String?) {
        guard relay != self.relay else {
            return
        }
        for index in queue.indices where queue[index].message.relay == self.relay {
            queue[index].message.relay = relay
        }
        self.relay = relay
        next()
    }

    /// Calls `action` when nothing waits any more, or after `limit`; what waits still is lost then, and the log says so.
    func finish(within limit: Duration, _ action: @escaping () -> Void) {
        guard !queue.isEmpty else {
            return action()
        }
        let end = { [weak self] in
            guard let self, self.whenEmpty != nil else {
                return
            }
            self.whenEmpty = nil
            if !self.queue.isEmpty {
                self.log.write("\(self.queue.count) mails were not sent")
            }
            action()
        }
        whenEmpty = end
        loop.after(limit, end)
        pauses = [:]
        next()
    }

    private func next() {
        if let timer {
            loop.cancel(timer)
        }
        timer = nil
        guard current == nil else {
            return
        }
        guard !queue.isEmpty else {
            whenEmpty?()
            return
        }
        let now = loop.now
        guard let index = queue.firstIndex(where: { pauses[$0.message.relay].map { $0 <= now } ?? true }) else {
            if let instant = queue.compactMap({ pauses[$0.message.relay] }).min() {
                timer = loop.at(instant) { [weak self] in self?.next() }
            }
            return
        }
        current = index
        let mail = queue[index]
        guard let relay = mail.message.relay else {
            return startMailer(mail)
        }
        let conversation = SMTPConversation(
            host: host,
            sender: origin.address,
            recipients: mail.recipients,
            content: mail.content
        )
        delivery = SMTPDelivery(conversation, to: relay, on: loop) { [weak self] in self?.ended($0) }
    }

    private func startMailer(_ mail: Outgoing) {
        guard let path = LocalMailer.path else {
            return ended(.rejected("there is no \(LocalMailer.paths[0]); install a mailer or set smtp=HOST"))
        }
        do {
            run = try LocalMailer.start(path, mail.content, to: mail.recipients, on: loop) { [weak self] end in
                switch end {
                case .status(let status) where status.isSuccess: self?.ended(.accepted(refused: []))
                case .status(let status): self?.ended(.deferred("\(path): \(status)"))
                case .timedOut: self?.ended(.deferred("\(path): ended after \(LocalMailer.timeLimit.inSeconds)"))
                }
            }
            // It goes on by itself: our own end has not to wait for it.
            if whenEmpty != nil {
                ended(.accepted(refused: []))
            }
        } catch {
            ended(.deferred("\(error)"))
        }
    }

    private func ended(_ outcome: SMTPConversation.Outcome) {
        guard let index = current else {
            return
        }
        (delivery, run, current) = (nil, nil, nil)
        switch outcome {
        case .accepted(let refused):
            let mail = queue.remove(at: index)
            pauses[mail.message.relay] = nil
            counters.sent += 1
            if !refused.isEmpty {
                log.write("Mail \"\(mail.message.subject)\" not taken for \(refused.joined(separator: ", "))")
            }
            next()
        case .rejected(let reason): giveUp(index, reason)
        case .deferred(let reason): postpone(index, reason)
        }
    }

    private func giveUp(_ index: Int, _ reason: String) {
        let mail = queue.remove(at: index)
        counters.failed += 1
        log.write("Mail \"\(mail.message.subject)\" not sent: \(reason)")
        next()
    }

    private func postpone(_ index: Int, _ reason: String) {
        queue[index].attempts += 1
        let mail = queue[index]
        guard loop.now - mail.since < Self.patience else {
            return giveUp(index, reason)
        }
        if mail.attempts == 1 {
            log.write("Mail \"\(mail.message.subject)\" waits, trying again: \(reason)")
        }
        if queue.count >= Self.capacity, let other = queue.indices.first(where: { $0 != index }) {
            log.write("Mail \"\(queue.remove(at: other).message.subject)\" not sent: too many wait")
            counters.failed += 1
        }
        let delay = whenEmpty == nil ? min(.seconds(900), .seconds(5) * (1 << min(mail.attempts, 10))) : .seconds(1)
        pauses[mail.message.relay] = loop.now + delay
        next()
    }

    private var origin: MailMessage.Origin {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        // The C locale's names, as RFC 5322 wants them: setlocale(3) is never called.
        strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S %z", &parts)
        let identity = "\(now).\(getpid()).\(UInt32.random(in: 0...UInt32.max))@\(host)"
        return MailMessage.Origin(address: "root@\(host)", date: String(nulTerminated: buffer), identity: identity)
    }
}
