// SPDX-License-Identifier: Apache-2.0

/// Who is told about transitions, when, and by which way (`emailalert…`, `smtp`).
public struct MailSettings: Sendable, Hashable {
    /// What the daemon is doing when a transition happens.
    public enum Phase: String, Sendable, Hashable, CaseIterable {
        case starting
        case running
        case stopping
        case reloading
    }

    /// Recipients; empty means no mail at all.
    public var recipients: [String] = []

    /// Pause between reminders while a server is down; zero sends none.
    public var reminderInterval: Duration = .zero

    /// Phases in which a transition is worth a mail.
    public var phases = Set(Phase.allCases)

    /// The From header, verbatim; nil lets the daemon make one.
    public var sender: String?

    /// Host that takes the mail on port 25 (`smtp`); nil uses the local mailer.
    public var relay: String?

    /// No mail.
    public init() {}
}
