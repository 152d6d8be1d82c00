// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

/// What the parameters of `syncd` ask for, checked; pure.
struct SyncdSettings: Equatable {
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

    /// The daemons that shall run, master first.
    let daemons: [SyncDaemon]
    /// Settings to write before they start.
    let assignments: [Assignment]
    let takeover: Bool
    let restoreSysctl: Bool

    /// Reads and checks the parameters.
    ///
    /// - Throws: ``OCFError`` with ``OCFExit/configured``.
    init(_ environment: AgentEnvironment) throws(OCFError) {
        let roles = try Self.roles(environment)
        let interface = environment.text(SyncdParameters.interface)
        guard (1...15).contains(interface.utf8.count), !interface.contains(where: { $0 == "/" || $0.isWhitespace })
        else {
            throw Self.wrong(SyncdParameters.interface, environment, "an interface name has 1 to 15 characters")
        }
        let lowest = roles == [.backup] ? 0 : 1
        let syncID = try environment.integer(SyncdParameters.syncid, in: lowest...255)
        let group = try Self.group(environment)
        let port = try Self.optional(SyncdParameters.port, environment, 1...65535).map { UInt16($0) }
        let ttl = try Self.optional(SyncdParameters.ttl, environment, 1...255).map { UInt8($0) }
        // A whole record of IPv6 with sequence data is 98 bytes, the header 8; more than 65507 is no UDP payload.
        let maxlen = try Self.optional(SyncdParameters.maxlen, environment, 44...65507).map { UInt16($0) }
        daemons = roles.map {
            SyncDaemon(
                $0,
                interface: interface,
                syncID: UInt32(syncID),
                maximumLength: maxlen,
                group: group,
                port: port,
                timeToLive: ttl
            )
        }
        assignments = try Self.assignments(environment, roles)
        takeover = environment.boolean(SyncdParameters.takeover)
        restoreSysctl = environment.boolean(SyncdParameters.restoreSysctl)
    }

    private static func roles(_ environment: AgentEnvironment) throws(OCFError) -> [SyncDaemon.Role] {
        switch environment.text(SyncdParameters.mode) {
        case "both": return [.master, .backup]
        case "master": return [.master]
        case "backup": return [.backup]
        case "role", "exclusive":
            throw wrong(
                SyncdParameters.mode,
                environment,
                "modes with roles are not offered; use both in a plain clone"
            )
        default:
            throw wrong(SyncdParameters.mode, environment, "it must be both, master or backup")
        }
    }

    private static func group(_ environment: AgentEnvironment) throws(OCFError) -> IPAddress? {
        let text = environment.text(SyncdParameters.group)
        if text.isEmpty {
            return nil
        }
        guard let group = IPAddress(text), group.isMulticast else {
            throw wrong(SyncdParameters.group, environment, "it must be a multicast address")
        }
        return group
    }

    private static func assignments(
        _ environment: AgentEnvironment,
        _ roles: [SyncDaemon.Role]
    ) throws(OCFError) -> [Assignment] {
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
        if values["backup_only"] == [1], roles.count > 1, !environment.boolean(SyncdParameters.allowBackupOnly) {
            throw wrong(
                name: "backup_only",
                "1",
                "with mode=both the active director would drop the whole service; allow_backup_only=yes overrides this"
            )
        }
        if values["sync_persist_mode"] == [1], values["sloppy_tcp"] == nil {
            values["sloppy_tcp"] = [1]
        }
        let order = ["sync_threshold"] + SyncdParameters.settings.map(\.parameter.name)
        return order.compactMap { name in
            values[name].map { Assignment(name: name, numbers: $0, isExplicit: explicit.contains(name)) }
        }
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
