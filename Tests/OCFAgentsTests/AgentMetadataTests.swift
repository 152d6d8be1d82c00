// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@testable import OCFAgents

private let dtd = "/usr/share/resource-agents/ra-api-1.dtd"
private let xmllint = "/usr/bin/xmllint"

@Suite struct AgentMetadataTests {
    @Test(.enabled(if: access(dtd, R_OK) == 0 && access(xmllint, X_OK) == 0, "needs resource-agents and libxml2-utils"))
    func version10FollowsTheDTD() throws {
        for agent in AgentRegistry.agents {
            let name = agent.declaration.name
            let path = "/tmp/vervet-\(getpid())-\(name).xml"
            let text = MetadataDocument(agent.declaration, level: .version10).text
            try TextFile.write(path, text)
            defer { unlink(path) }
            let outcome = try ChildProcess.run(
                [xmllint, "--noout", "--nonet", "--dtdvalid", dtd, path],
                timeout: .seconds(60)
            )
            #expect(outcome.status.isSuccess, "\(name): \(outcome.errorText)")
        }
    }

    @Test func parametersAreDescribed() {
        for agent in AgentRegistry.agents {
            let declaration = agent.declaration
            let names = declaration.parameters.map(\.name)
            #expect(Set(names).count == names.count)
            for parameter in declaration.parameters {
                #expect(!parameter.summary.isEmpty && !parameter.details.isEmpty, "\(parameter.name)")
            }
            let actions = Set(declaration.actions.map(\.action))
            #expect(actions.isSuperset(of: [.start, .stop, .monitor, .metaData, .validateAll]), "\(declaration.name)")
        }
    }

    @Test func instanceNamesOfLdirectord() {
        let contact = DaemonContact(configuration: "/etc/ha.d/web.cf")
        #expect(contact.socketPath == "/run/vervet/ldirectord.web.cf.sock")
        #expect(contact.pidFile == "/var/run/ldirectord.web.cf.pid")
    }

    @Test func aStalePidFileIsNotADaemon() throws {
        let directory = "/tmp/vervet-contact-\(getpid())"
        try TextFile.makeDirectory(directory)
        let contact = DaemonContact(
            configuration: "/x/web.cf",
            socketDirectory: directory,
            pidDirectory: directory
        )
        defer {
            unlink(contact.pidFile)
            rmdir(directory)
        }
        #expect(contact.state(asking: "ping", expecting: "ok", timeout: .seconds(30)) == .stopped)
        // Our own process exists, but does not lock the file.
        try TextFile.write(contact.pidFile, "\(getpid())\n")
        #expect(contact.state(asking: "ping", expecting: "ok", timeout: .seconds(30)) == .stopped)
    }
}
