// SPDX-License-Identifier: Apache-2.0
import Glibc
import OCFAgents
import Testing

/// An agent that answers what its parameter `answer` says.
private struct SampleAgent: OCFAgent {
    static let answer = Parameter(
        "answer",
        .integer,
        default: "0",
        required: true,
        uniqueGroup: "sample",
        reloadable: true,
        summary: "code <&>",
        details: "The exit code \"as is\"."
    )
    static let mode = Parameter("mode", .select(["a", "b"]), default: "a", summary: "mode", details: "A choice.")
    static let declaration = AgentDeclaration(
        name: "Sample",
        version: "0.1",
        summary: "Sample",
        details: "For tests.",
        parameters: [answer, mode],
        actions: [
            ActionDeclaration(.start, timeout: 20, needsRoot: true),
            ActionDeclaration(.stop, timeout: 20, needsRoot: true),
            ActionDeclaration(.monitor, timeout: 20, interval: 10, depth: 0),
            ActionDeclaration(.status, timeout: 20),
            ActionDeclaration(.reloadAgent, timeout: 20),
            ActionDeclaration(.metaData, timeout: 5),
        ]
    )

    let environment: AgentEnvironment

    init(environment: AgentEnvironment, log: AgentLog) { self.environment = environment }

    func run(_ action: AgentAction) throws(OCFError) -> OCFExit {
        let code = try environment.integer(Self.answer, in: 0...9)
        guard let result = OCFExit(rawValue: Int32(code)), code != 1 else {
            throw OCFError(.generic, "asked to\nfail")
        }
        return result
    }
}

private func invoke(_ action: String?, _ variables: [String: String] = [:], isRoot: Bool = true) -> AgentOutcome {
    let environment = AgentEnvironment(variables: variables, type: "Sample")
    // A terminal plan keeps the log off the system's own log; reasons go to neither.
    let log = AgentLog(environment: environment, isTerminal: true)
    return AgentInvocation(SampleAgent.self, environment: environment, log: log, isRoot: isRoot).run(action)
}

@Suite struct InvocationTests {
    @Test func metadataNeedsNothing() {
        #expect(invoke("meta-data", ["OCF_RESKEY_answer": ""], isRoot: false).code == .success)
        #expect(
            invoke("usage", ["OCF_RESKEY_answer": ""]).output
                == "usage: Sample {start|stop|monitor|status|reload-agent|meta-data|usage}\n"
        )
        #expect(invoke("methods").output.split(separator: "\n").contains("monitor"))
    }

    @Test func orderOfChecks() {
        // Validation runs before the unknown action, as in IPaddr2; stop forgives a missing parameter.
        #expect(invoke("bogus", ["OCF_RESKEY_answer": ""]).code == .configured)
        #expect(invoke("bogus").code == .unimplemented)
        #expect(invoke("promote").code == .unimplemented)
        #expect(invoke("start", isRoot: false).code == .permission)
        #expect(invoke("monitor", isRoot: false).code == .success)
        #expect(invoke(nil).code == .arguments)
        #expect(invoke("monitor", ["OCF_RA_VERSION_MAJOR": "1"]).code == .arguments)
        #expect(invoke("meta-data", ["OCF_RA_VERSION_MAJOR": "1"]).code == .success)
    }

    @Test func unknownParametersAreRefusedBeforeAnythingStarts() {
        let variables = [
            "OCF_RESKEY_anser": "0", "OCF_RESKEY_CRM_meta_timeout": "20000", "OCF_RESKEY_crm_feature_set": "3",
        ]
        let outcome = invoke("start", variables)
        #expect(outcome.code == .configured)
        #expect(outcome.reason?.hasPrefix("parameter \"anser\" is not offered by Sample") == true)
        #expect(invoke("validate-all", variables, isRoot: false).code == .unimplemented)
        #expect(invoke("stop", variables).code == .success)
        #expect(invoke("monitor", variables).code == .success)
        #expect(invoke("start", ["OCF_RESKEY_CRM_meta_timeout": "20000"]).code == .success)
    }

    @Test func statusPrintsItsWord() {
        #expect(invoke("status").output == "running\n")
        #expect(invoke("status", ["OCF_RESKEY_answer": "7"]).output == "stopped\n")
        #expect(invoke("monitor", ["OCF_RESKEY_answer": "7"]).output == "")
    }

    @Test func reasonsExplainFailures() {
        #expect(invoke("monitor", ["OCF_RESKEY_answer": "1"]).reason == "asked to\nfail")
        #expect(
            invoke("monitor", ["OCF_RESKEY_answer": "-1"]).reason
                == "parameter answer=\"-1\" is not a decimal number, 0 to 9"
        )
        #expect(invoke("monitor", ["OCF_RESKEY_answer": "7"]).reason == nil)
    }
}

@Suite struct EnvironmentTests {
    @Test(arguments: ["yes", "true", "1", "YES", "TRUE", "True", "ja", "on", "ON"])
    func wordsForTrue(word: String) { #expect(AgentEnvironment.isTrue(word)) }

    @Test(arguments: ["Yes", "y", "On", "junk", "", "tRUE", "2", " true"])
    func everythingElseIsFalse(word: String) { #expect(!AgentEnvironment.isTrue(word)) }

    @Test(arguments: ["", "-1", "+1", " 1", "1 ", "0x10", "99999999999999999999", "١"])
    func notDecimal(text: String) { #expect(AgentEnvironment.decimal(text) == nil) }

    @Test func quirk39IntervalIsComparedAsANumber() {
        func probe(_ text: String?) -> Bool {
            AgentEnvironment(variables: text.map { ["OCF_RESKEY_CRM_meta_interval": $0] } ?? [:], type: "x").isProbe
        }
        #expect(probe(nil) && probe("0") && probe("00"))
        #expect(!probe("10000"))
    }

    @Test func unsetAndEmptyDiffer() {
        let unset = AgentEnvironment(variables: [:], type: "x")
        let empty = AgentEnvironment(variables: ["OCF_RESKEY_answer": ""], type: "x")
        #expect(unset.text(SampleAgent.answer) == "0")
        #expect(empty.text(SampleAgent.answer) == "")
    }
}

@Suite struct MetadataTests {
    @Test func escapesText() {
        let text = MetadataDocument(SampleAgent.declaration, level: .version10).text
        #expect(text.contains("code &lt;&amp;&gt;"))
        #expect(!text.contains("reload-agent"))
        #expect(!text.contains("reloadable"))
    }

    @Test func version11HasItsOwnAttributes() {
        let text = MetadataDocument(SampleAgent.declaration, level: .version11).text
        #expect(text.contains("unique-group=\"sample\" unique=\"1\" required=\"1\" reloadable=\"1\""))
        #expect(text.contains("<action name=\"reload-agent\" timeout=\"20s\" />"))
        #expect(text.contains("<content type=\"select\" default=\"a\"><option value=\"a\" />"))
        #expect(!text.contains("DOCTYPE"))
    }

    @Test func levelFollowsTheCaller() {
        let managed = ["OCF_RA_VERSION_MAJOR": "1", "OCF_RA_VERSION_MINOR": "1"]
        #expect(invoke("meta-data", managed).output.contains("<version>1.1</version>"))
        #expect(invoke("meta-data").output.contains("<version>1.0</version>"))
    }
}

@Suite struct RegistryTests {
    @Test func namesAreUnique() {
        let names = AgentRegistry.agents.map { $0.declaration.name }
        #expect(Set(names).count == names.count)
    }

    @Test func chooses() {
        for agent in AgentRegistry.agents {
            let name = agent.declaration.name
            let byPath = AgentRegistry.choose(["/usr/lib/ocf/resource.d/vervet/\(name)", "start", "x"], variables: [:])
            #expect(byPath?.action == "start")
            #expect(AgentRegistry.choose(["vervet-ocf", name, "stop"], variables: [:])?.action == "stop")
            let byType = AgentRegistry.choose(["x", "stop"], variables: ["OCF_RESOURCE_TYPE": name])
            #expect(byType?.agent.declaration.name == name)
        }
        #expect(AgentRegistry.choose(["x", "stop"], variables: [:]) == nil)
        #expect(AgentRegistry.choose([], variables: [:]) == nil)
    }
}
