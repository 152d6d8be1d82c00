// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

/// What the parameters of `syncd` ask for, checked; pure.
struct SyncdSettings {
    /// A value for one file of net.ipv4.vs.
    struct Assignment: Equatable {
        let name: String
        /// nil keeps that number of the present value (sync_threshold has two).
        let numbers: [Int?]
        /// Whether a parameter asked for it, so that a kernel without it is an error.
        let isExplicit: Bool

        /// The text to write, given what is there.
        func value(present: String) -> String {
            let old = present.split(separator: " ")
            return numbers.enumerated().map { index, number in
                number.map(String.init) ?? (index < old.count ? String(old[index]) : "0")
            }.joined(separator: " ")
        }
    }

    /// Which daemons run in which role.
    let mode: SyncdMode
    /// The daemon that sends, wherever the mode has one.
    let master: SyncDaemon
    /// The daemon that receives, wherever the mode has one.
    let backup: SyncDaemon
    /// Settings to write before they start.
    let assignments: [Assignment]
    let takeover: Bool
    let restoreSysctl: Bool
    /// How long the master goes on after the service has left.
    let drain: Duration
    /// How long the backup goes on after the promotion, where it ends with it.
    let linger: Duration
    let forceRestart: Bool
    /// How new connections are hurried to the other directors; nil leaves it to the kernel.
    let exposure: SyncdExposure?
    /// The relay between the daemons and the other directors; nil when they speak directly.
    let relay: SyncdRelaySettings?
    /// Options for loading the module, such as `conn_tab_bits=20`.
    let moduleOptions: [(name: String, value: String)]

    /// What shall run in a role, master first.
    func daemons(isPromoted: Bool) -> [SyncDaemon] { mode.daemons(isPromoted: isPromoted).map(daemon) }

    /// The daemon of a kind as it shall run.
    func daemon(_ role: SyncDaemon.Role) -> SyncDaemon { role == .master ? master : backup }

    /// All that may run here in one role or the other.
    var allDaemons: [SyncDaemon] {
        SyncDaemon.Role.allCases.filter {
            mode.daemons(isPromoted: false).contains($0) || mode.daemons(isPromoted: true).contains($0)
        }.map(daemon)
    }

    /// Reads and checks the parameters.
    ///
    /// - Throws: ``OCFError`` with ``OCFExit/configured``.
    init(_ environment: AgentEnvironment) throws(OCFError) {
        guard let mode = SyncdMode(rawValue: environment.text(SyncdParameters.mode)) else {
            let words = SyncdMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.wrong(SyncdParameters.mode, environment, "it must be one of \(words)")
        }
        self.mode = mode
        let transport = try Self.transport(environment)
        let isRelayed = transport != .multicast
        let interface = try Self.interface(
            SyncdParameters.interface,
            environment,
            default: isRelayed ? SyncdRelaySettings.captureInterface : nil
        )
        let syncID = try environment.integer(SyncdParameters.syncid, in: (mode == .backup ? 0 : 1)...255)
        let group = try Self.group(SyncdParameters.group, environment)
        let port = try Self.optional(SyncdParameters.port, environment, 1...65535).map { UInt16($0) }
        let ttl = try Self.optional(SyncdParameters.ttl, environment, 1...255).map { UInt8($0) }
        // A record of IPv4 without sequence data is 36 bytes, the header 8; more than 65507 is no UDP payload.
        let maxlen = try Self.optional(SyncdParameters.maxlen, environment, 44...65507).map { UInt16($0) }
        let values = try Self.values(environment, mode)
        exposure = try Self.exposure(environment, values.numbers, maxlen)
        master = SyncDaemon(
            .master,
            interface: interface,
            syncID: UInt32(syncID),
            maximumLength: exposure == nil ? maxlen : SyncdExposure.masterLength,
            group: group,
            port: port,
            timeToLive: ttl
        )
        let backupPort = try Self.optional(SyncdParameters.backupPort, environment, 1...65535).map { UInt16($0) }
        let backupLength = try Self.optional(SyncdParameters.backupMaxlen, environment, 44...65507).map { UInt16($0) }
        backup = SyncDaemon(
            .backup,
            interface: try Self.interface(
                SyncdParameters.backupInterface,
                environment,
                default: isRelayed ? SyncdRelaySettings.injectionInterface : interface
            ),
            syncID: UInt32(
                try Self.optional(SyncdParameters.backupSyncid, environment, 0...255)
                    ?? (isRelayed ? syncID % 255 + 1 : syncID)
            ),
            // The relay packs what it injects anew.
            maximumLength: backupLength ?? (isRelayed ? nil : maxlen),
            group: try Self.group(SyncdParameters.backupGroup, environment) ?? group,
            port: backupPort ?? port,
            timeToLive: ttl
        )
        relay = isRelayed ? try Self.relay(transport, master, backup, mode, environment) : nil
        assignments = values.assignments
        takeover = environment.boolean(SyncdParameters.takeover)
        restoreSysctl = environment.boolean(SyncdParameters.restoreSysctl)
        drain = .seconds(try environment.integer(SyncdParameters.drain, in: 0...60))
        linger = .seconds(try environment.integer(SyncdParameters.linger, in: 0...60))
        forceRestart = environment.boolean(SyncdParameters.forceRestart)
        moduleOptions = try Self.moduleOptions(environment)
    }

    private static func transport(_ environment: AgentEnvironment) throws(OCFError) -> SyncdTransport {
        guard let transport = SyncdTransport(rawValue: environment.text(SyncdParameters.transport)) else {
            let words = SyncdTransport.allCases.map(\.rawValue).joined(separator: ", ")
            throw wrong(SyncdParameters.transport, environment, "it must be one of \(words)")
        }
        return transport
    }

    private static func relay(
        _ transport: SyncdTransport,
        _ master: SyncDaemon,
        _ backup: SyncDaemon,
        _ mode: SyncdMode,
        _ environment: AgentEnvironment
    ) throws(OCFError) -> SyncdRelaySettings {
        let parameter = SyncdParameters.transport
        guard mode == .both else {
            throw wrong(parameter, environment, "the relay needs mode=both")
        }
        guard environment.text(SyncdParameters.namespace).isEmpty else {
            throw wrong(parameter, environment, "the relay cannot be used with netns")
        }
        guard master.interface != backup.interface, master.syncID != backup.syncID, backup.syncID != 0 else {
            throw wrong(parameter, environment, "the relay needs another interface and another syncid for the backup")
        }
        guard backup.maximumLength.map({ $0 >= SyncdRelaySettings.injectedLength }) ?? true else {
            throw wrong(
                SyncdParameters.backupMaxlen,
                environment,
                "the relay injects up to \(SyncdRelaySettings.injectedLength) bytes"
            )
        }
        guard (master.group, master.port) == (backup.group, backup.port) else {
            throw wrong(parameter, environment, "the relay needs the same group and port for master and backup")
        }
        for path in [SyncdParameters.relayBinary, SyncdParameters.relayControl]
        where !environment.text(path).hasPrefix("/") {
            throw wrong(path, environment, "it must be an absolute path")
        }
        return SyncdRelaySettings(
            binary: environment.text(SyncdParameters.relayBinary),
            control: environment.text(SyncdParameters.relayControl),
            transport: transport,
            master: master,
            backup: backup,
            extra: environment.text(SyncdParameters.relayArguments).split(separator: " ").map(String.init)
        )
    }

    private static func interface(
        _ parameter: Parameter,
        _ environment: AgentEnvironment,
        default fallback: String?
    ) throws(OCFError) -> String {
        let name = environment.text(parameter)
        if name.isEmpty, let fallback {
            return fallback
        }
        guard !name.isEmpty else {
            throw wrong(parameter, environment, "with transport=multicast it must be given")
        }
        guard (1...15).contains(name.utf8.count), !name.contains(where: { $0 == "/" || $0.isWhitespace }) else {
            throw wrong(parameter, environment, "an interface name has 1 to 15 characters")
        }
        return name
    }

    private static func moduleOptions(
        _ environment: AgentEnvironment
    ) throws(OCFError) -> [(name: String, value: String)] {
        var options: [(name: String, value: String)] = []
        for word in environment.text(SyncdParameters.moduleOptions).split(separator: " ") {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            let isName = { (text: Substring) in
                !text.isEmpty && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x5f }
            }
            guard parts.count == 2, isName(parts[0]), AgentEnvironment.decimal(String(parts[1])) != nil else {
                throw wrong(
                    SyncdParameters.moduleOptions,
                    environment,
                    "options have the form name=number, with blanks between them"
                )
            }
            options.append((String(parts[0]), String(parts[1])))
        }
        return options
    }

    private static func group(_ parameter: Parameter, _ environment: AgentEnvironment) throws(OCFError) -> IPAddress? {
        let text = environment.text(parameter)
        if text.isEmpty {
            return nil
        }
        guard let group = IPAddress(text), group.isMulticast else {
            throw wrong(parameter, environment, "it must be a multicast address")
        }
        return group
    }

    private static func exposure(
        _ environment: AgentEnvironment,
        _ values: [String: [Int?]],
        _ maxlen: UInt16?
    ) throws(OCFError) -> SyncdExposure? {
        let parameter = SyncdParameters.exposure
        if environment.text(parameter) == "kernel" {
            return nil
        }
        guard let milliseconds = AgentEnvironment.decimal(environment.text(parameter)), 50...1000 ~= milliseconds else {
            throw wrong(parameter, environment, "it must be kernel, or milliseconds from 50 to 1000")
        }
        guard maxlen == nil else {
            throw wrong(parameter, environment, "it sets maxlen itself: leave out one of the two")
        }
        guard values["sync_threshold"] == [0, 0], let refresh = values["sync_refresh_period"]?.first ?? nil,
            1...60 ~= refresh
        else {
            throw wrong(
                parameter,
                environment,
                "it needs sync_threshold=0, sync_period=0 and a sync_refresh_period from 1 to 60, as in profile=every"
            )
        }
        guard (values["sync_ports"]?.first ?? nil) ?? 1 <= 8 else {
            throw wrong(parameter, environment, "it needs sync_ports of at most 8")
        }
        return SyncdExposure(milliseconds: milliseconds, refreshSeconds: refresh)
    }

    /// The numbers that the settings of the kernel get, by name, and how they are written.
    private static func values(
        _ environment: AgentEnvironment,
        _ mode: SyncdMode
    ) throws(OCFError) -> (numbers: [String: [Int?]], assignments: [Assignment]) {
        var values: [String: [Int?]]
        switch environment.text(SyncdParameters.profile) {
        case "every": values = ["sync_threshold": [0, 0], "sync_refresh_period": [10], "sync_retries": [2]]
        case "cheap": values = ["sync_threshold": [3, 50], "sync_refresh_period": [0], "sync_retries": [0]]
        case "kernel": values = [:]
        default: throw wrong(SyncdParameters.profile, environment, "it must be every, kernel or cheap")
        }
        var explicit: Set<String> = []
        let threshold = try optional(SyncdParameters.syncThreshold, environment, 0...Int(Int32.max))
        let period = try optional(SyncdParameters.syncPeriod, environment, 0...Int(Int32.max))
        if threshold != nil || period != nil {
            let profile = values["sync_threshold"] ?? [nil, nil]
            let numbers = [threshold ?? profile[0], period ?? profile[1]]
            if let first = numbers[0], let second = numbers[1], second != 0, first >= second {
                throw OCFError(.configured, "sync_threshold (\(first)) must be below sync_period (\(second))")
            }
            values["sync_threshold"] = numbers
            explicit.insert("sync_threshold")
        }
        for setting in SyncdParameters.settings {
            if let number = try optional(setting.parameter, environment, setting.range) {
                values[setting.parameter.name] = [number]
                explicit.insert(setting.parameter.name)
            }
        }
        if let ports = values["sync_ports"]?.first ?? nil, ports & (ports - 1) != 0 {
            throw wrong(name: "sync_ports", "\(ports)", "it must be a power of two")
        }
        if values["backup_only"] == [1], mode.receivesWhilePromoted,
            !environment.boolean(SyncdParameters.allowBackupOnly)
        {
            throw wrong(
                name: "backup_only",
                "1",
                "with mode=\(mode.rawValue) the active director would drop the whole service; allow_backup_only=yes overrides this"
            )
        }
        if values["sync_persist_mode"] == [1], values["sloppy_tcp"] == nil {
            values["sloppy_tcp"] = [1]
        }
        let order = ["sync_threshold"] + SyncdParameters.settings.map(\.parameter.name)
        let assignments = order.compactMap { name in
            values[name].map { Assignment(name: name, numbers: $0, isExplicit: explicit.contains(name)) }
        }
        return (values, assignments)
    }

    private static func optional(
        _ parameter: Parameter,
        _ environment: AgentEnvironment,
        _ range: ClosedRange<Int>
    ) throws(OCFError) -> Int? {
        environment.text(parameter).isEmpty ? nil : try environment.integer(parameter, in: range)
    }

    private static func wrong(_ parameter: Parameter, _ environment: AgentEnvironment, _ why: String) -> OCFError {
        wrong(name: parameter.name, environment.text(parameter), why)
    }

    private static func wrong(name: String, _ value: String, _ why: String) -> OCFError {
        OCFError(.configured, "parameter \(name)=\"\(value)\": \(why)")
    }
}
