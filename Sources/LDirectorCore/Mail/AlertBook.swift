// SPDX-License-Identifier: Apache-2.0
import IPVS
public import LDirectorConfig

/// Collects alerts into few mails, and knows when somebody has to be reminded of a server that is down; a value without clock.
public struct AlertBook: Sendable {
    /// The most alerts that wait for the next mail; beyond it they are counted only.
    public static let capacity = 500

    private var waiting: [Alert] = []
    private var dropped = 0
    private var reminded: [ServerID: SuspendingClock.Instant] = [:]

    /// Nothing to tell.
    public init() {}

    /// Whether a mail is to be made.
    public var hasMail: Bool { waiting.contains { !$0.isAside } }

    /// Takes note of an alert; one that nobody wants is forgotten.
    public mutating func add(_ alert: Alert) {
        guard alert.isWanted else {
            return
        }
        if waiting.count < Self.capacity {
            waiting.append(alert)
        } else {
            dropped += 1
        }
    }

    /// Takes note of servers that are down for another `emailalertfreq` now.
    ///
    /// The clock of a server starts when it is first seen down and ends with its recovery, or with its line in the file;
    /// it runs as well when the first mail was not wanted. Fallback servers are not checked, so nobody is reminded of them, nor
    /// of servers that somebody keeps out on purpose.
    public mutating func remind(of director: Director, phase: MailSettings.Phase, at now: SuspendingClock.Instant) {
        var down: [ServerID: SuspendingClock.Instant] = [:]
        for virtual in director.configuration.virtualServers where virtual.mail.reminderInterval > .zero {
            for real in virtual.realServers {
                let id = ServerID(virtual.key, real.key)
                guard let state = director.states[id], !state.isUp, state.lastCheck != nil, state.hold == nil
                else {
                    continue
                }
                let last = reminded[id] ?? now
                guard now - last >= virtual.mail.reminderInterval else {
                    down[id] = last
                    continue
                }
                down[id] = now
                let minutes = (now - state.since).components.seconds / 60
                let line =
                    "Real server inaccessible: \(real.name) (\(virtual.name)) for \(minutes) min: \(state.reason)"
                add(
                    Alert(
                        line,
                        phase: phase,
                        mail: virtual.mail,
                        serviceName: virtual.serviceName,
                        comment: virtual.comment
                    )
                )
            }
        }
        reminded = down
    }

    /// The mails that tell everything that waits: one for each circle of recipients and each way to them; nothing waits any more.
    ///
    /// - Parameter host: The name of this director.
    /// - Returns: The mails, in the order of their first alerts.
    public mutating func takeMails(from host: String) -> [MailMessage] {
        let circles = waiting.reduce(into: [Circle: [Alert]]()) { $0[Circle($1), default: []].append($1) }
        let order = waiting.map(Circle.init).reduce(into: [Circle]()) { order, circle in
            if !order.contains(circle) {
                order.append(circle)
            }
        }
        let lost = dropped
        (waiting, dropped) = ([], 0)
        return order.compactMap { circle in
            guard let alerts = circles[circle], alerts.contains(where: { !$0.isAside }) else {
                return nil
            }
            return Self.message(circle, alerts, lost: lost, host)
        }
    }

    private struct Circle: Hashable {
        let recipients: [String]
        let sender: String?
        let relay: String?
        let serviceName: String?
        let comment: String?
        let phase: MailSettings.Phase

        init(_ alert: Alert) {
            recipients = alert.mail.recipients
            sender = alert.mail.sender
            relay = alert.mail.relay
            serviceName = alert.serviceName
            comment = alert.comment
            phase = alert.phase
        }
    }

    private static func message(_ circle: Circle, _ alerts: [Alert], lost: Int, _ host: String) -> MailMessage {
        let main = alerts.first { !$0.isAside }?.line ?? ""
        let others = alerts.count { !$0.isAside } - 1 + lost
        var subject = circle.serviceName.map { "[\($0)] " } ?? ""
        subject += others > 0 ? "\(main) (and \(others) more)" : main
        var lines = ["Director: \(host)"] + alerts.map(\.line)
        if lost > 0 {
            lines.append("(\(lost) more; see the log)")
        }
        lines.append("Status: \(circle.phase.rawValue)")
        lines += circle.serviceName.map { ["Service: \($0)"] } ?? []
        lines += circle.comment.map { ["Comment: \($0)"] } ?? []
        return MailMessage(
            recipients: circle.recipients,
            sender: circle.sender,
            relay: circle.relay,
            subject: subject,
            lines: lines
        )
    }
}
