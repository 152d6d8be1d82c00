// SPDX-License-Identifier: Apache-2.0
public import LDirectorConfig

/// Something that is worth a mail, with everything that the mail needs.
public struct Alert: Sendable, Equatable {
    /// What happened, as in the log.
    public var line: String

    /// What the daemon was doing.
    public var phase: MailSettings.Phase

    /// Who is told.
    public var mail: MailSettings

    /// Name of the service (`servicename`).
    public var serviceName: String?

    /// Free text about the service (`comment`).
    public var comment: String?

    /// It is told in a mail about something else, but is no reason for a mail: the fallback server comes and goes.
    public var isAside = false

    /// Describes an alert.
    public init(
        _ line: String,
        phase: MailSettings.Phase,
        mail: MailSettings,
        serviceName: String? = nil,
        comment: String? = nil,
        isAside: Bool = false
    ) {
        self.line = line
        self.phase = phase
        self.mail = mail
        self.serviceName = serviceName
        self.comment = comment
        self.isAside = isAside
    }

    /// Whether anybody wants to hear of it.
    public var isWanted: Bool { !mail.recipients.isEmpty && mail.phases.contains(phase) }
}
