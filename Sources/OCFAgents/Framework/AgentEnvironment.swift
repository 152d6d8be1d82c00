// SPDX-License-Identifier: Apache-2.0

/// The environment of one invocation as a value: Pacemaker passes an agent everything but the action this way.
public struct AgentEnvironment: Sendable {
    /// All variables.
    public let variables: [String: String]

    /// The resource type: the name under which the agent was called.
    public let type: String

    /// The path under which the running program can be started again; empty when unknown.
    public let executable: String

    /// Takes over the variables of a process.
    public init(variables: [String: String], type: String, executable: String = "") {
        self.variables = variables
        self.type = type
        self.executable = executable
    }

    /// The name of the resource; `default` when run by hand.
    public var instance: String { nonEmpty("OCF_RESOURCE_INSTANCE") ?? "default" }

    /// Whether a cluster manager runs the agent; a hand run may leave out the instance.
    public var isManaged: Bool { nonEmpty("OCF_RA_VERSION_MAJOR") != nil }

    /// Whether the instance is named as the standard asks.
    public var hasInstance: Bool { nonEmpty("OCF_RESOURCE_INSTANCE") != nil }

    /// Whether the caller understands OCF 1.1 metadata.
    public var wantsVersion11: Bool {
        let major = Self.decimal(variables["OCF_RA_VERSION_MAJOR"] ?? "") ?? 0
        let minor = Self.decimal(variables["OCF_RA_VERSION_MINOR"] ?? "") ?? 0
        return major == 1 && minor >= 1
    }

    /// How deep a monitor or validation goes; 0 unless asked for more.
    public var checkLevel: Int {
        Self.decimal(variables["OCF_CHECK_LEVEL"] ?? variables["OCF_RESKEY_OCF_CHECK_LEVEL"] ?? "") ?? 0
    }

    /// The interval of the action in milliseconds; 0 for a probe and for a hand run.
    public var intervalMilliseconds: Int { Self.decimal(meta("interval") ?? "") ?? 0 }

    /// The timeout of the action in milliseconds; nil when the caller set none.
    public var timeoutMilliseconds: Int? { Self.decimal(meta("timeout") ?? "") }

    /// Whether a monitor is a probe, which asks if the resource runs where it is not expected.
    public var isProbe: Bool { intervalMilliseconds == 0 }

    /// The directory for files that live as long as the resource runs.
    public var runtimeDirectory: String { nonEmpty("HA_RSCTMP") ?? "/run/resource-agents" }

    /// A meta attribute (`clone_max`, `notify_type`, …); nil when unset.
    public func meta(_ name: String) -> String? { variables["OCF_RESKEY_CRM_meta_\(name)"] }

    /// Whether the environment sets a parameter at all, even to nothing.
    public func isSet(_ parameter: Parameter) -> Bool { variables["OCF_RESKEY_\(parameter.name)"] != nil }

    /// The names of all parameters that are set, in alphabetical order, without what the cluster manager adds.
    public var parameterNames: [String] {
        variables.keys.filter { $0.hasPrefix("OCF_RESKEY_") }.map { String($0.dropFirst("OCF_RESKEY_".utf8.count)) }
            .filter { name in
                !name.hasPrefix("CRM_meta_")
                    && !["crm_feature_set", "OCF_CHECK_LEVEL", "trace_ra", "trace_dir", "trace_file"].contains(name)
            }
            .sorted()
    }

    /// The value of a parameter: what is set, even if empty; else its default; else nothing.
    public func text(_ parameter: Parameter) -> String {
        variables["OCF_RESKEY_\(parameter.name)"] ?? parameter.defaultValue ?? ""
    }

    /// Whether a parameter holds one of the words for true; everything else is false and not an error.
    public func boolean(_ parameter: Parameter) -> Bool { Self.isTrue(text(parameter)) }

    /// A parameter as a decimal number.
    ///
    /// - Throws: ``OCFError`` with ``OCFExit/configured`` unless the value is digits only and within `range`.
    public func integer(_ parameter: Parameter, in range: ClosedRange<Int> = 0...Int.max) throws(OCFError) -> Int {
        let text = text(parameter)
        guard let value = Self.decimal(text), range.contains(value) else {
            let wanted =
                range.upperBound == Int.max
                ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            throw OCFError(.configured, "parameter \(parameter.name)=\"\(text)\" is not a decimal number, \(wanted)")
        }
        return value
    }

    /// The boolean words of the standard shell library, case as written; every other word is false.
    public static func isTrue(_ word: String) -> Bool {
        switch word {
        case "yes", "true", "1", "YES", "TRUE", "True", "ja", "on", "ON": true
        default: false
        }
    }

    /// A non-empty run of decimal digits, without sign or blanks; nil for anything else and for overflow.
    public static func decimal(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    private func nonEmpty(_ name: String) -> String? {
        variables[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
