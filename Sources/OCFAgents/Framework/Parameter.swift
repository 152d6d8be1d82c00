// SPDX-License-Identifier: Apache-2.0

/// One parameter of an agent, declared once: the metadata and the reading of the environment both come from here.
public struct Parameter: Sendable, Hashable {
    /// The kinds of content that the metadata schemas know.
    public enum Content: Sendable, Hashable {
        /// Any text.
        case string

        /// Decimal digits.
        case integer

        /// One of the boolean words (``AgentEnvironment/isTrue(_:)``).
        case boolean

        /// A time such as `20s`.
        case time

        /// One word of a list.
        case select([String])
    }

    /// The name, as in `OCF_RESKEY_<name>`.
    public let name: String

    /// The kind of content.
    public let content: Content

    /// The value of an unset variable; nil when there is none.
    ///
    /// A variable that is set but empty stays empty.
    public let defaultValue: String?

    /// Whether the agent cannot work without it: missing or empty means exit code 6 for every action but stop.
    public let isRequired: Bool

    /// The name of a parameter that takes its place: required is then one of the two.
    public let alternative: String?

    /// The group of parameters that identify the instance together; no two resources may share the values.
    public let uniqueGroup: String?

    /// Whether a change takes effect through `reload-agent`, without a restart.
    public let isReloadable: Bool

    /// One line for lists.
    public let summary: String

    /// The full description.
    public let details: String

    /// Declares a parameter.
    public init(
        _ name: String,
        _ content: Content = .string,
        default defaultValue: String? = nil,
        required: Bool = false,
        alternative: String? = nil,
        uniqueGroup: String? = nil,
        reloadable: Bool = false,
        summary: String,
        details: String
    ) {
        self.name = name
        self.content = content
        self.defaultValue = defaultValue
        isRequired = required
        self.alternative = alternative
        self.uniqueGroup = uniqueGroup
        isReloadable = reloadable
        self.summary = summary
        self.details = details
    }
}
