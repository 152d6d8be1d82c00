// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// The log of one invocation, written where the cluster manager's environment says (`HA_LOGFACILITY`, `HA_LOGFILE`, …).
///
/// It follows the standard shell library: a terminal on standard input gets one line on standard error and nothing
/// else; otherwise syslog and the log file when they are set, and standard error only if neither is.
public struct AgentLog: Sendable {
    /// Level words, most severe first.
    public enum Level: String, Sendable {
        /// Cannot go on.
        case critical = "CRIT"
        /// The action fails.
        case error = "ERROR"
        /// Worth a look.
        case warning = "WARNING"
        /// What was done.
        case info = "INFO"
        /// Details; dropped unless `HA_debug` is set and not 0.
        case debug = "DEBUG"
    }

    /// Where lines go, decided once from the environment.
    struct Plan: Sendable, Equatable {
        var tag: String
        var terminal = false
        var facility: String?
        var files: [String] = []
        var debugFiles: [String] = []
        var debug = false
    }

    let plan: Plan
    private let trace: AgentTrace?

    /// Decides where lines go.
    ///
    /// - Parameters:
    ///   - environment: The invocation.
    ///   - isTerminal: Whether standard input is a terminal.
    ///   - trace: Where every line goes as well, whatever its level; nil for nowhere.
    public init(environment: AgentEnvironment, isTerminal: Bool, trace: AgentTrace? = nil) {
        self.trace = trace
        let variables = environment.variables
        func value(_ name: String, _ other: String) -> String? {
            for name in [name, other] {
                if let text = variables[name], !text.isEmpty, text != "none", text != "/dev/null" {
                    return text
                }
            }
            return nil
        }
        var plan = Plan(tag: variables["HA_LOGTAG"] ?? "\(environment.type)(\(environment.instance))")
        plan.terminal = isTerminal
        plan.facility = value("HA_LOGFACILITY", "PCMK_LOGFACILITY")
        plan.files = [value("HA_LOGFILE", "PCMK_LOGFILE")].compactMap(\.self)
        plan.debugFiles = [value("HA_DEBUGLOG", "PCMK_DEBUGLOG")].compactMap(\.self).filter { !plan.files.contains($0) }
        plan.debug = !["", "0"].contains(variables["HA_debug"] ?? "")
        self.plan = plan
    }

    /// Logs the failure of the action.
    public func error(_ text: String) { write(.error, text) }

    /// Logs something worth a look.
    public func warning(_ text: String) { write(.warning, text) }

    /// Logs what was done.
    public func info(_ text: String) { write(.info, text) }

    /// Logs a detail.
    public func debug(_ text: String) { write(.debug, text) }

    /// Writes one line to every place that the environment names.
    ///
    /// - Parameters:
    ///   - level: The level word.
    ///   - text: One line; line ends become blanks.
    ///   - isReason: The exit reason, which standard error carries already.
    public func write(_ level: Level, _ text: String, isReason: Bool = false) {
        trace?.write("\(level.rawValue): \(Self.singleLine(text))")
        if level == .debug && !plan.debug {
            return
        }
        let line = Self.singleLine(text)
        if plan.terminal {
            if !isReason {
                StandardOutput.writeError("\(plan.tag)[\(getpid())]: \(level.rawValue): \(line)\n")
            }
            return
        }
        if let facility = plan.facility {
            vervet_syslog_as(
                plan.tag,
                Self.number(ofFacility: facility) | Self.priority(level),
                "\(level.rawValue): \(line)"
            )
        }
        let date = plan.files.isEmpty && plan.debugFiles.isEmpty && plan.facility != nil ? "" : Self.date()
        for path in plan.files + plan.debugFiles {
            append("\(date)  \(plan.tag)[\(getpid())]:    \(level.rawValue): \(line)\n", to: path)
        }
        if plan.facility == nil && plan.files.isEmpty && !isReason {
            StandardOutput.writeError("\(date)\(level.rawValue): \(line)\n")
        }
    }

    /// The text with line ends as blanks: a reason or a log entry is always one line.
    static func singleLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    private func append(_ line: String, to path: String) {
        // A log that cannot be written must not make an action fail, and there is nowhere left to say so.
        guard let file = try? OwnedDescriptor(opening: path, flags: O_WRONLY | O_APPEND | O_CREAT, mode: 0o640) else {
            return
        }
        StandardOutput.write(line, to: file.raw)
    }

    private static func priority(_ level: Level) -> CInt {
        switch level {
        case .critical: LOG_CRIT
        case .error: LOG_ERR
        case .warning: LOG_WARNING
        case .info: LOG_INFO
        case .debug: LOG_DEBUG
        }
    }

    private static func number(ofFacility name: String) -> CInt {
        switch name {
        case "auth": LOG_AUTH_FACILITY
        case "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7":
            (16 + CInt(name.utf8.last ?? 48) - 48) << 3
        case "user": 1 << 3
        default: 3 << 3
        }
    }

    private static let LOG_AUTH_FACILITY: CInt = 4 << 3

    private static func date() -> String {
        var now = time(nil)
        var fields = tm()
        localtime_r(&now, &fields)
        var buffer = [CChar](repeating: 0, count: 32)
        _ = strftime(&buffer, buffer.count, "%b %d %T ", &fields)
        return String(nulTerminated: buffer)
    }
}
