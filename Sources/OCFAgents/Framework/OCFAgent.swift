// SPDX-License-Identifier: Apache-2.0

/// Everything about an agent that does not depend on an invocation.
public struct AgentDeclaration: Sendable {
    /// The name of the resource type, and of the installed program.
    public let name: String

    /// The version of the agent itself, not of the OCF standard.
    public let version: String

    /// One line for lists.
    public let summary: String

    /// The full description.
    public let details: String

    /// The parameters in the order of the metadata.
    public let parameters: [Parameter]

    /// Names of parameters that are read but not advertised: aliases of former times.
    public let hiddenParameters: [String]

    /// The actions in the order of the metadata.
    ///
    /// `meta-data`, `usage`, `help` and `methods` work without being listed;
    /// list `meta-data` for its timeout.
    public let actions: [ActionDeclaration]

    /// Declares an agent.
    public init(
        name: String,
        version: String,
        summary: String,
        details: String,
        parameters: [Parameter],
        hiddenParameters: [String] = [],
        actions: [ActionDeclaration]
    ) {
        self.name = name
        self.version = version
        self.summary = summary
        self.details = details
        self.parameters = parameters
        self.hiddenParameters = hiddenParameters
        self.actions = actions
    }
}

/// A resource agent: one value per invocation, built from the environment and asked to run one action.
///
/// ``AgentInvocation`` does what all agents share: metadata, usage, required parameters, privileges, unknown actions,
/// the exit reason. An agent sees only the actions that its declaration lists.
public protocol OCFAgent: SendableMetatype {
    /// Name, version, parameters and actions.
    static var declaration: AgentDeclaration { get }

    /// Takes what the invocation was given; reads nothing else and does nothing yet.
    init(environment: AgentEnvironment, log: AgentLog)

    /// Runs one of the declared actions.
    ///
    /// - Returns: The exit code: ``OCFExit/success``, or for monitor and status how the resource stands. `status` is
    ///   run like `monitor`; the words `running` and `stopped` are printed by the caller.
    /// - Throws: ``OCFError`` when the action failed.
    func run(_ action: AgentAction) throws(OCFError) -> OCFExit
}
