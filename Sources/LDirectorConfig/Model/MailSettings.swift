// SPDX-License-Identifier: Apache-2.0

/// Who is told about transitions, and when (`emailalert`, `emailalertfreq`, `emailalertstatus`, `emailalertfrom`).
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

    /// No mail.
    public init() {}
}
