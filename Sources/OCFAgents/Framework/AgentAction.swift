// SPDX-License-Identifier: Apache-2.0

/// The actions of the OCF resource agent API.
public enum AgentAction: String, Sendable, Hashable, CaseIterable {
    /// Brings the resource online.
    case start
    /// Takes it offline.
    case stop
    /// Says whether it runs here.
    case monitor
    /// Monitor for people: also prints `running` or `stopped`.
    case status
    /// Raises the resource to the promoted role.
    case promote
    /// Lowers it to the unpromoted role.
    case demote
    /// Tells a clone instance about actions on its peers.
    case notify
    /// Makes the service read its own configuration again.
    case reload
    /// Makes changed reloadable parameters take effect (OCF 1.1).
    case reloadAgent = "reload-agent"
    /// Moves the running resource away.
    case migrateTo = "migrate_to"
    /// Receives a resource that is moved while it runs.
    case migrateFrom = "migrate_from"
    /// Checks the parameters.
    case validateAll = "validate-all"
    /// Prints the metadata.
    case metaData = "meta-data"
    /// Prints a short usage text.
    case usage
    /// The same as usage.
    case help
    /// Prints the names of the actions.
    case methods
}

/// An action that an agent offers, as its metadata advertises it.
public struct ActionDeclaration: Sendable, Hashable {
    /// The action.
    public let action: AgentAction

    /// The advertised timeout in seconds.
    public let timeoutSeconds: Int

    /// The advertised interval in seconds; nil for actions that do not recur.
    public let intervalSeconds: Int?

    /// The check level (`depth`) of a monitor; nil when none is advertised.
    public let depth: Int?

    /// The role that a monitor is for; nil when it is for any.
    public let role: String?

    /// Whether the action changes the system and is refused (exit code 4) without root's privileges.
    public let needsRoot: Bool

    /// Declares an action.
    public init(
        _ action: AgentAction,
        timeout timeoutSeconds: Int,
        interval intervalSeconds: Int? = nil,
        depth: Int? = nil,
        role: String? = nil,
        needsRoot: Bool = false
    ) {
        self.action = action
        self.timeoutSeconds = timeoutSeconds
        self.intervalSeconds = intervalSeconds
        self.depth = depth
        self.role = role
        self.needsRoot = needsRoot
    }
}
