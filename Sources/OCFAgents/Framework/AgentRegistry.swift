// SPDX-License-Identifier: Apache-2.0

/// The agents in this program and the choice between them.
public enum AgentRegistry {
    /// All agents; a new one is one more line.
    public static let agents: [any OCFAgent.Type] = [
        IPaddr2Agent.self,
        LDirectorAgent.self,
        HeartbeatAgent.self,
        SyncdAgent.self,
        ConfigSyncAgent.self,
    ]

    /// An agent and the word for its action, as chosen from a command line.
    public struct Choice {
        /// The agent.
        public let agent: any OCFAgent.Type

        /// The action; nil when the command line ends before it.
        public let action: String?
    }

    /// Chooses by the name under which the program was called, else by `OCF_RESOURCE_TYPE`, else by a first argument.
    ///
    /// - Parameters:
    ///   - arguments: The command line with the program's path first; further arguments are ignored, as Pacemaker asks.
    ///   - variables: The environment.
    /// - Returns: nil when none of the three names an agent.
    public static func choose(_ arguments: [String], variables: [String: String]) -> Choice? {
        let words = Array(arguments.dropFirst())
        if let program = arguments.first, let agent = agent(named: baseName(program)) {
            return Choice(agent: agent, action: words.first)
        }
        // A first argument that names an agent is deliberate; the variable may be left over from a surrounding agent.
        if let name = words.first, let agent = agent(named: name) {
            return Choice(agent: agent, action: words.dropFirst().first)
        }
        if let type = variables["OCF_RESOURCE_TYPE"], let agent = agent(named: type) {
            return Choice(agent: agent, action: words.first)
        }
        return nil
    }

    /// The agent of a name; nil when there is none.
    public static func agent(named name: String) -> (any OCFAgent.Type)? {
        agents.first { $0.declaration.name == name }
    }

    static func baseName(_ path: String) -> String {
        String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
    }
}
