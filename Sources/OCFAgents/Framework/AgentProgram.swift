// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The multi-call program: reads the process's environment, runs the chosen agent, writes what it leaves.
public enum AgentProgram {
    /// Runs the agent that the command line asks for.
    ///
    /// - Parameter arguments: The command line with the program's path first.
    /// - Returns: The exit status of the process.
    public static func run(_ arguments: [String]) -> Int32 {
        let variables = processEnvironment()
        guard let choice = AgentRegistry.choose(arguments, variables: variables) else {
            let names = AgentRegistry.agents.map { $0.declaration.name }.joined(separator: "|")
            StandardOutput.writeError("usage: vervet-ocf {\(names)} ACTION, or call it by the name of an agent\n")
            return OCFExit.arguments.rawValue
        }
        let environment = AgentEnvironment(
            variables: variables,
            type: choice.agent.declaration.name,
            executable: "/proc/self/exe"
        )
        let trace = AgentTrace(environment: environment, action: choice.action ?? "")
        trace?.begin(arguments, environment)
        let log = AgentLog(environment: environment, isTerminal: isatty(0) == 1, trace: trace)
        let invocation = AgentInvocation(choice.agent, environment: environment, log: log, isRoot: geteuid() == 0)
        let outcome = invocation.run(choice.action)
        if let reason = outcome.reason {
            let prefix = variables["OCF_EXIT_REASON_PREFIX"] ?? "ocf-exit-reason:"
            StandardOutput.writeError("\(prefix)\(AgentLog.singleLine(reason))\n")
        }
        StandardOutput.write(outcome.output)
        trace?.write("exit: \(outcome.code.rawValue) \(AgentLog.singleLine(outcome.reason ?? ""))")
        return outcome.code.rawValue
    }

    /// The variables of this process; a later duplicate does not override an earlier one, as in getenv(3).
    static func processEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let line = String(cString: text)
            if let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) {
                let name = String(line[..<equals])
                if variables[name] == nil {
                    variables[name] = String(line[line.utf8.index(after: equals)...])
                }
            }
            entry += 1
        }
        return variables
    }
}
