// SPDX-License-Identifier: Apache-2.0

/// What an invocation of an agent leaves: the exit code, what goes to standard output, and the exit reason.
public struct AgentOutcome: Sendable, Equatable {
    /// The exit code.
    public let code: OCFExit

    /// Text for standard output; empty for most actions.
    public let output: String

    /// The exit reason; nil when there is nothing to explain.
    public let reason: String?

    init(_ code: OCFExit, output: String = "", reason: String? = nil) {
        self.code = code
        self.output = output
        self.reason = reason
    }
}

/// Runs one action of one agent and does what all agents share, in the order that `IPaddr2` established:
/// metadata and usage, then required parameters, then unknown actions, then privileges, then the agent itself.
public struct AgentInvocation {
    private let agent: any OCFAgent.Type
    private let environment: AgentEnvironment
    private let log: AgentLog
    private let isRoot: Bool

    /// Prepares an invocation.
    ///
    /// - Parameters:
    ///   - agent: The agent.
    ///   - environment: Its environment.
    ///   - log: Where it logs.
    ///   - isRoot: Whether the process has root's privileges.
    public init(_ agent: any OCFAgent.Type, environment: AgentEnvironment, log: AgentLog, isRoot: Bool) {
        self.agent = agent
        self.environment = environment
        self.log = log
        self.isRoot = isRoot
    }

    /// Runs the action and turns a failure into its code and reason; logs the reason.
    ///
    /// - Parameter word: The first argument of the program; nil when there was none.
    /// - Returns: What the process prints and exits with.
    public func run(_ word: String?) -> AgentOutcome {
        let declaration = agent.declaration
        guard let word else {
            return AgentOutcome(.arguments, reason: "no action given. \(usage(of: declaration))")
        }
        let action = AgentAction(rawValue: word)
        switch action {
        case .metaData:
            let level: MetadataDocument.Level = environment.wantsVersion11 ? .version11 : .version10
            return AgentOutcome(.success, output: MetadataDocument(declaration, level: level).text)
        case .usage, .help:
            return AgentOutcome(.success, output: usage(of: declaration) + "\n")
        case .methods:
            return AgentOutcome(.success, output: actionNames(of: declaration).map { $0 + "\n" }.joined())
        default:
            break
        }
        do throws(OCFError) {
            return try run(action, named: word, declaration)
        } catch {
            log.write(.error, error.reason, isReason: true)
            return AgentOutcome(error.code, reason: error.reason)
        }
    }

    private func run(
        _ action: AgentAction?,
        named word: String,
        _ declaration: AgentDeclaration
    ) throws(OCFError) -> AgentOutcome {
        if environment.isManaged && !environment.hasInstance {
            throw OCFError(.arguments, "OCF_RESOURCE_INSTANCE is not set: the cluster manager must name the resource")
        }
        if action != .stop {
            for parameter in declaration.parameters where parameter.isRequired && environment.text(parameter).isEmpty {
                let other = declaration.parameters.first { $0.name == parameter.alternative }
                guard other.map({ environment.text($0).isEmpty }) ?? true else {
                    continue
                }
                let alternative = other.map { ", and \($0.name) neither" } ?? ""
                throw OCFError(.configured, "required parameter \(parameter.name) is not set\(alternative)")
            }
        }
        guard let action, let declared = declaration.actions.first(where: { $0.action == action }) else {
            throw OCFError(.unimplemented, "action \"\(word)\" is not offered. \(usage(of: declaration))")
        }
        if action == .start || action == .validateAll {
            try refuseUnknownParameters(declaration)
        }
        if declared.needsRoot && !isRoot {
            throw OCFError(.permission, "\(word) needs root's privileges")
        }
        let code = try agent.init(environment: environment, log: log).run(action)
        if action == .status {
            return AgentOutcome(code, output: statusWords[code].map { $0 + "\n" } ?? "")
        }
        return AgentOutcome(code)
    }

    /// What `status` prints for people.
    private var statusWords: [OCFExit: String] {
        [.success: "running", .runningPromoted: "running (promoted)", .notRunning: "stopped"]
    }

    /// A parameter that is not offered must not look as if it had an effect; what runs already is not disturbed.
    private func refuseUnknownParameters(_ declaration: AgentDeclaration) throws(OCFError) {
        let known = Set(declaration.parameters.map(\.name) + declaration.hiddenParameters)
        if let name = environment.parameterNames.first(where: { !known.contains($0) }) {
            throw OCFError(
                .configured,
                "parameter \"\(name)\" is not offered by \(declaration.name): remove it, or see the agent's meta-data"
            )
        }
    }

    private func usage(of declaration: AgentDeclaration) -> String {
        "usage: \(declaration.name) {\(actionNames(of: declaration).joined(separator: "|"))}"
    }

    private func actionNames(of declaration: AgentDeclaration) -> [String] {
        var names: [String] = []
        for name in declaration.actions.map(\.action.rawValue) + ["meta-data", "usage"] where !names.contains(name) {
            names.append(name)
        }
        return names
    }
}
