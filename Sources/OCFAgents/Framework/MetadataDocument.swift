// SPDX-License-Identifier: Apache-2.0

/// An agent's metadata as XML, generated from its declaration.
///
/// OCF 1.0 is what `ocf-tester` validates (`ra-api-1.dtd`); OCF 1.1 is what `reload-agent` and reloadable parameters
/// need. Pacemaker says which it understands, see ``AgentEnvironment/wantsVersion11``.
public struct MetadataDocument: Sendable {
    /// The level of the OCF resource agent API that a document follows.
    public enum Level: String, Sendable {
        /// The DTD of 2010.
        case version10 = "1.0"

        /// The RELAX NG schema of 2021.
        case version11 = "1.1"
    }

    private let declaration: AgentDeclaration
    private let level: Level

    /// Prepares a document.
    public init(_ declaration: AgentDeclaration, level: Level) {
        self.declaration = declaration
        self.level = level
    }

    /// The whole document with a final newline.
    public var text: String {
        var lines = ["<?xml version=\"1.0\"?>"]
        if level == .version10 {
            lines.append("<!DOCTYPE resource-agent SYSTEM \"ra-api-1.dtd\">")
        }
        lines.append(
            "<resource-agent name=\"\(Self.escape(declaration.name))\" version=\"\(Self.escape(declaration.version))\">"
        )
        lines.append("<version>\(level.rawValue)</version>")
        lines.append("<longdesc lang=\"en\">\n\(Self.escape(declaration.details))\n</longdesc>")
        lines.append("<shortdesc lang=\"en\">\(Self.escape(declaration.summary))</shortdesc>")
        lines.append("<parameters>")
        for parameter in declaration.parameters {
            lines += element(of: parameter)
        }
        lines.append("</parameters>")
        lines.append("<actions>")
        for action in declaration.actions where level == .version11 || Self.isKnownToDTD(action.action) {
            lines.append(line(of: action))
        }
        lines.append("</actions>")
        lines.append("</resource-agent>")
        return lines.joined(separator: "\n") + "\n"
    }

    private func element(of parameter: Parameter) -> [String] {
        var attributes = "name=\"\(parameter.name)\""
        switch level {
        case .version10:
            attributes += " unique=\"\(parameter.uniqueGroup == nil ? 0 : 1)\""
            attributes += " required=\"\(parameter.isRequired && parameter.alternative == nil ? 1 : 0)\""
        case .version11:
            if let group = parameter.uniqueGroup {
                // crmsh knows only the older attribute.
                attributes += " unique-group=\"\(Self.escape(group))\" unique=\"1\""
            }
            attributes += " required=\"\(parameter.isRequired && parameter.alternative == nil ? 1 : 0)\""
            attributes += " reloadable=\"\(parameter.isReloadable ? 1 : 0)\""
        }
        return [
            "<parameter \(attributes)>",
            "<longdesc lang=\"en\">\n\(Self.escape(parameter.details))\n</longdesc>",
            "<shortdesc lang=\"en\">\(Self.escape(parameter.summary))</shortdesc>",
            content(of: parameter),
            "</parameter>",
        ]
    }

    private func content(of parameter: Parameter) -> String {
        let value = parameter.defaultValue.map { " default=\"\(Self.escape($0))\"" } ?? ""
        switch parameter.content {
        case .string: return "<content type=\"string\"\(value) />"
        case .integer: return "<content type=\"integer\"\(value) />"
        case .boolean: return "<content type=\"boolean\"\(value) />"
        case .time: return "<content type=\"\(level == .version10 ? "time" : "string")\"\(value) />"
        case .select(let options):
            if level == .version10 {
                return "<content type=\"string\"\(value) />"
            }
            let list = options.map { "<option value=\"\(Self.escape($0))\" />" }.joined()
            return "<content type=\"select\"\(value)>\(list)</content>"
        }
    }

    private func line(of action: ActionDeclaration) -> String {
        var attributes = "name=\"\(action.action.rawValue)\""
        if let role = action.role {
            attributes += " role=\"\(Self.escape(role))\""
        }
        if let depth = action.depth {
            attributes += " depth=\"\(depth)\""
        }
        attributes += " timeout=\"\(action.timeoutSeconds)s\""
        if let interval = action.intervalSeconds {
            attributes += " interval=\"\(interval)s\""
        }
        return "<action \(attributes) />"
    }

    /// Whether the enumeration of action names in `ra-api-1.dtd` has this one.
    private static func isKnownToDTD(_ action: AgentAction) -> Bool {
        switch action {
        case .reloadAgent, .help: false
        default: true
        }
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
