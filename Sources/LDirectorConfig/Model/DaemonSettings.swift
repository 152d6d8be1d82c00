// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Settings that belong to the daemon and not to one virtual server.
public struct DaemonSettings: Sendable, Hashable {
    /// Where event lines go (`logfile`).
    public enum LogTarget: Sendable, Hashable {
        /// A file, opened for append.
        case file(String)
        /// A syslog facility by name, such as `local3`.
        case syslog(facility: String)
    }

    /// What the daemon does when nothing is written about its log.
    public static let defaultLogTarget = LogTarget.file("/var/log/ldirectord.log")

    /// Reload by itself when the content of the file changes (`autoreload`).
    public var reloadsAutomatically = false

    /// Look host names up again from time to time, and follow them to other addresses (`resolve`).
    public var resolvesPeriodically = false

    /// Executable run with the path of the file after its content changed (`callback`).
    public var callback: String?

    /// Where event lines go (`logfile`).
    public var logTarget = DaemonSettings.defaultLogTarget

    /// Names of further configurations to start and stop with this one (`execute`), in file order.
    public var childConfigurations: [String] = []

    /// Stay in the foreground under a supervisor (`supervised`).
    public var isSupervised = false

    /// Accepted for old files; checks are concurrent in any case (`fork`).
    public var forks = false

    /// Directory whose file names take real servers out (`maintenancedir`); nil when not used.
    public var maintenanceDirectory: String?

    /// Mail about the daemon itself; virtual servers carry their own copy with their overrides.
    public var mail = MailSettings()

    /// The `fallbackcommand` of virtual servers that have none of their own; they carry a copy.
    public var fallbackCommand: String?

    /// Where figures can be fetched (`metrics`); nil when nowhere.
    public var metrics: MetricsEndpoint?

    /// Settings of a file that says nothing.
    public init() {}
}
