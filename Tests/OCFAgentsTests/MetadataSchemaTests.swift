// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@testable import OCFAgents

private let xmllint = "/usr/bin/xmllint"

/// Metadata of OCF 1.1 against its grammar, which is strict about the order of elements.
@Suite(.enabled(if: access(xmllint, X_OK) == 0, "needs libxml2-utils")) struct MetadataSchemaTests {
    /// The grammar of the OCF resource agent API 1.1 for metadata, in our own words.
    static let schema = """
        <grammar xmlns="http://relaxng.org/ns/structure/1.0" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes">
        <start><element name="resource-agent">
          <attribute name="name"/><optional><attribute name="version"/></optional>
          <element name="version"><value>1.1</value></element>
          <zeroOrMore><ref name="long"/></zeroOrMore><zeroOrMore><ref name="short"/></zeroOrMore>
          <element name="parameters"><oneOrMore><ref name="parameter"/></oneOrMore></element>
          <element name="actions"><oneOrMore><ref name="action"/></oneOrMore></element>
          <optional><element name="special"><attribute name="tag"/><text/></element></optional>
        </element></start>
        <define name="long"><element name="longdesc"><attribute name="lang"/><text/></element></define>
        <define name="short"><element name="shortdesc"><attribute name="lang"/><text/></element></define>
        <define name="flag"><choice><value>0</value><value>1</value></choice></define>
        <define name="parameter"><element name="parameter">
          <attribute name="name"><data type="NMTOKEN"/></attribute>
          <optional><attribute name="unique-group"/></optional>
          <optional><attribute name="unique"><ref name="flag"/></attribute></optional>
          <optional><attribute name="required"><ref name="flag"/></attribute></optional>
          <optional><attribute name="reloadable"><ref name="flag"/></attribute></optional>
          <oneOrMore><ref name="long"/></oneOrMore><oneOrMore><ref name="short"/></oneOrMore>
          <element name="content"><optional><attribute name="default"/></optional>
            <choice>
              <attribute name="type"><choice><value>boolean</value><value>string</value><value>integer</value></choice></attribute>
              <group><attribute name="type"><value>select</value></attribute>
                <oneOrMore><element name="option"><attribute name="value"/></element></oneOrMore></group>
            </choice></element>
        </element></define>
        <define name="action"><element name="action">
          <attribute name="name"/><attribute name="timeout"><data type="string"><param name="pattern">[0-9]+s?</param></data></attribute>
          <optional><attribute name="interval"/></optional><optional><attribute name="depth"/></optional>
          <optional><attribute name="role"/></optional><optional><attribute name="start-delay"/></optional>
        </element></define>
        </grammar>
        """

    @Test func version11FollowsTheGrammar() throws {
        let base = "/tmp/vervet-schema-\(getpid())"
        try TextFile.write("\(base).rng", Self.schema)
        defer { unlink("\(base).rng") }
        for agent in AgentRegistry.agents {
            let path = "\(base)-\(agent.declaration.name).xml"
            let text = MetadataDocument(agent.declaration, level: .version11).text
            try TextFile.write(path, text)
            defer { unlink(path) }
            let outcome = try ChildProcess.run(
                [xmllint, "--noout", "--nonet", "--relaxng", "\(base).rng", path],
                timeout: .seconds(60)
            )
            #expect(outcome.status.isSuccess, "\(agent.declaration.name): \(outcome.errorText)")
            #expect(!text.contains("DOCTYPE"))
        }
    }

    /// Names, kinds and defaults that existing configurations and their tools rely on.
    @Test(arguments: [
        ("nic", "string", ""), ("cidr_netmask", "string", ""), ("broadcast", "string", ""), ("iflabel", "string", ""),
        ("proto", "string", ""), ("lvs_support", "boolean", "false"), ("lvs_ipv6_addrlabel", "boolean", "true"),
        ("lvs_ipv6_addrlabel_value", "integer", "99"), ("mac", "string", ""),
        ("clusterip_hash", "string", "sourceip-sourceport"), ("clusterip_hash_seed", "string", ""),
        ("clusterip_mac_mangle", "boolean", "false"), ("unique_clone_address", "boolean", "false"),
        ("arp_interval", "integer", "200"), ("arp_count", "integer", "5"), ("arp_count_refresh", "integer", "0"),
        ("arp_bg", "boolean", ""), ("arp_sender", "string", ""), ("send_arp_opts", "string", ""),
        ("flush_routes", "boolean", "false"), ("run_arping", "boolean", "false"), ("nodad", "boolean", "false"),
        ("noprefixroute", "boolean", "false"), ("preferred_lft", "string", "forever"),
        ("network_namespace", "string", ""), ("check_link_status", "boolean", "true"),
    ]) func parametersOfTheReference(name: String, type: String, value: String) throws {
        let text = MetadataDocument(IPaddr2Agent.declaration, level: .version10).text
        let rest = try #require(text.split(separator: "<parameter name=\"\(name)\"").dropFirst().first)
        let content = try #require(rest.split(separator: "<content ").dropFirst().first)
        #expect(content.hasPrefix("type=\"\(type)\" default=\"\(value)\" />"), "\(content.prefix(60))")
    }

    @Test func actionsOfTheReference() {
        let lines = MetadataDocument(IPaddr2Agent.declaration, level: .version10).text.split(separator: "\n")
        let actions = lines.filter { $0.hasPrefix("<action ") }
        for name in ["start", "stop", "status", "monitor", "validate-all"] {
            #expect(actions.contains { $0.contains("name=\"\(name)\"") && $0.contains("timeout=\"20s\"") }, "\(name)")
        }
        #expect(actions.contains { $0.contains("\"monitor\" depth=\"0\" timeout=\"20s\" interval=\"10s\"") })
        #expect(actions.contains { $0.contains("\"meta-data\" timeout=\"5s\"") })
    }
}
