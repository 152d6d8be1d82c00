// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Turns the global lines of a file into the daemon's settings.
struct DaemonBuilder {
    let values: DirectiveValues
    let children: [String]

    func settings() -> DaemonSettings {
        var settings = DaemonSettings()
        settings.reloadsAutomatically = values.flag(.autoreload) ?? false
        settings.resolvesPeriodically = values.text(.resolve) == "periodic"
        settings.callback = values.text(.callback)
        if let target = values.text(.logfile) {
            settings.logTarget = target.utf8.first == UInt8(ascii: "/") ? .file(target) : .syslog(facility: target)
        }
        settings.childConfigurations = children
        settings.isSupervised = values.flag(.supervised) ?? false
        settings.forks = values.flag(.fork) ?? false
        settings.maintenanceDirectory = values.text(.maintenancedir)
        settings.fallbackCommand = values.text(.fallbackcommand)
        settings.mail = Self.mail(values, inherited: MailSettings())
        settings.metrics = values.text(.metrics).flatMap(MetricsEndpoint.init)
        return settings
    }

    /// Mail settings of one scope over those of the scope around it.
    static func mail(_ values: DirectiveValues, inherited: MailSettings) -> MailSettings {
        var mail = inherited
        if let recipients = values.list(.emailalert) {
            mail.recipients = recipients
        }
        if let interval = values.duration(.emailalertfreq) {
            mail.reminderInterval = interval
        }
        if let phases = values.list(.emailalertstatus) {
            mail.phases = Set(phases.compactMap(MailSettings.Phase.init(rawValue:)))
        }
        if let sender = values.text(.emailalertfrom) {
            mail.sender = sender
        }
        if let relay = values.text(.smtp) {
            mail.relay = relay
        }
        return mail
    }
}
