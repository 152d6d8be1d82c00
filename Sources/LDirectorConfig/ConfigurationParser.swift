// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Reads `ldirectord.cf`: bytes to lines, lines to directives, directives to a validated ``Configuration``.
///
/// Reading is pure apart from the lookups of its ``ConfigurationEnvironment``, never stops at the first finding and never
/// traps, whatever the bytes.
public struct ConfigurationParser: Sendable {
    /// The seams to the outside.
    public var environment: ConfigurationEnvironment

    /// Makes a parser that looks names up and checks patterns through `environment`.
    public init(environment: ConfigurationEnvironment) {
        self.environment = environment
    }

    /// Reads the content of a file; `file` is its name in diagnostics.
    public func parse(_ bytes: [UInt8], file: String) -> ParseResult {
        var reading = FileReading(environment: environment, file: file)
        let scanner = LineScanner(bytes)
        for line in scanner.lines {
            reading.read(line)
        }
        return reading.result(wideEmptyLines: scanner.wideEmptyLines)
    }
}

/// The state of reading one file.
struct FileReading {
    private let findings: Findings
    private let environment: ConfigurationEnvironment
    private let endpoints: EndpointReader
    private let values: ValueReader
    private var globals = InheritedSettings()
    private var children: [String] = []
    private var blocks: [BlockDraft] = []
    private var lastLineOpensBlock: Token?
    /// The last line in column 1 was in error, so that indented lines below it are not to blame.
    private var afterFaultyGlobal = false

    init(environment: ConfigurationEnvironment, file: String) {
        findings = Findings(file: file)
        self.environment = environment
        endpoints = EndpointReader(findings: findings, resolver: environment.resolver)
        values = ValueReader(findings: findings, environment: environment)
    }

    // MARK: one line

    mutating func read(_ line: LogicalLine) {
        lastLineOpensBlock = nil
        let raw = RawDirective(line)
        let directive = raw.name.text.flatMap(DirectiveTable.directive(named:))
        if let fault = line.fault {
            report(fault, raw, directive)
            guard directive?.scope.allows(.block) ?? false, !blocks.isEmpty, !fault.isOutsideBlocks else {
                return
            }
        }
        guard let directive, directive.scope.allows(line.scope) else {
            if line.fault == nil {
                reportUnknown(raw, directive)
            }
            afterFaultyGlobal = line.scope == .global
            return
        }
        if line.scope == .global {
            afterFaultyGlobal = false
        }
        noteRelaxations(raw, directive)
        guard let value = values.read(directive, raw) else {
            afterFaultyGlobal = afterFaultyGlobal || directive.name == .virtual || directive.name == .virtual6
            return
        }
        store(value, directive, raw)
    }

    private mutating func store(_ value: DirectiveValue, _ directive: Directive, _ raw: RawDirective) {
        let token = raw.value ?? raw.name
        switch (directive.name, raw.line.scope) {
        case (.virtual, _), (.virtual6, _):
            let family: IPAddress.Family = directive.name == .virtual ? .ipv4 : .ipv6
            let target = VirtualTarget(token, family: family, endpoints: endpoints)
            blocks.append(BlockDraft(name: raw.name, place: token, family: family, target: target))
            lastLineOpensBlock = raw.name
        case (.real, _), (.real6, _):
            readReal(directive.name, raw, token)
        case (.fallback, _) where token.isEmpty, (.fallback6, _) where token.isEmpty:
            findings.warning(.noEffect, raw.name, "\(raw.name.quoted) has an empty value and names no server")
        case (.fallback, .block), (.fallback6, .block):
            readBlockFallback(directive.name, raw, token)
        case (.fallback, .global):
            globals.fallback = globalFallback(token, family: .ipv4)
        case (.fallback6, .global):
            globals.fallback6 = globalFallback(token, family: .ipv6)
        case (.execute, _):
            if case .text(let name) = value {
                children.append(name)
            }
        default:
            warnAboutUse(directive.name, raw)
            let located = LocatedValue(value: value, name: raw.name, token: token)
            if raw.line.scope == .global {
                globals.values[directive.name] = located
            } else if !blocks.isEmpty {
                blocks[blocks.count - 1].judge(directive.name, value, token, findings)
                blocks[blocks.count - 1].store(located, directive.name)
            }
        }
    }

    private func isOfBlock(_ name: DirectiveName, _ plain: DirectiveName, _ raw: RawDirective) -> Bool {
        guard let block = blocks.last else {
            return false
        }
        let family: IPAddress.Family = name == plain ? .ipv4 : .ipv6
        guard family == block.family else {
            let wanted = block.family == .ipv4 ? plain.rawValue : plain.rawValue + "6"
            let message = "in a \(block.name.quoted) block write '\(wanted)', not \(raw.name.quoted)"
            findings.error(.family, raw.name, message)
            return false
        }
        return true
    }

    private mutating func readReal(_ name: DirectiveName, _ raw: RawDirective, _ token: Token) {
        guard isOfBlock(name, .real, raw), let family = blocks.last?.family else {
            return
        }
        let reader = RealLineReader(endpoints: endpoints, values: values)
        if let line = reader.read(token, name: raw.name, family: family) {
            blocks[blocks.count - 1].reals.append(line)
        }
    }

    private mutating func readBlockFallback(_ name: DirectiveName, _ raw: RawDirective, _ token: Token) {
        guard isOfBlock(name, .fallback, raw), let family = blocks.last?.family else {
            return
        }
        blocks[blocks.count - 1].fallback = FallbackLine(token, family: family, endpoints: endpoints)
    }

    /// A global fallback whose port name is known; unknown names are an error even when nothing uses them.
    private func globalFallback(_ token: Token, family: IPAddress.Family) -> FallbackLine? {
        guard let line = FallbackLine(token, family: family, endpoints: endpoints) else {
            return nil
        }
        guard let port = line.port else {
            return line
        }
        return endpoints.number(port, transports: [.tcp, .udp]) == nil ? nil : line
    }

    private func warnAboutUse(_ name: DirectiveName, _ raw: RawDirective) {
        switch name {
        case .checkcount:
            findings.warning(.obsoleteDirective, raw.name, "'checkcount' is deprecated and only counts for ping checks")
        case .load:
            findings.warning(.unusedDirective, raw.name, "'load' is accepted for old files and has no effect")
        default:
            break
        }
    }

    private func noteRelaxations(_ raw: RawDirective, _ directive: Directive) {
        if raw.line.quotesHash {
            findings.relaxed(raw.value ?? raw.name, "a '#' inside quotes")
        }
        if raw.line.hasGlobalComment {
            switch directive.grammar {
            case .seconds, .count, .virtualAddress, .host: break
            default: findings.relaxed(raw.name, "a comment after a global directive")
            }
        }
        if directive.isExtension {
            findings.relaxed(raw.name, "directive \(raw.name.quoted)")
        }
        if raw.line.scope == .block, directive.name == .readdquiescent || directive.name == .emailalertfrom {
            findings.relaxed(raw.name, "\(raw.name.quoted) in a block")
        }
    }

    // MARK: lines that are not where or what they should be

    private func report(_ fault: LogicalLine.Fault, _ raw: RawDirective, _ directive: Directive?) {
        if directive?.scope == .global {
            findings.error(.misplacedDirective, raw.name, "\(raw.name.quoted) must start in the first column")
            return
        }
        switch fault {
        case .shallow(let columns):
            let unit = columns == 1 ? "column" : "columns"
            findings.error(
                .misplacedDirective,
                raw.name,
                "a line of a block is indented by a TAB or at least four columns, this one by \(columns) \(unit)"
            )
        case .afterEmptyLine(let number):
            let end = SourceSpan(file: findings.file, line: number, column: 1, length: 0)
            findings.error(
                .misplacedDirective,
                raw.name,
                "\(raw.name.quoted) is indented but stands outside of a block",
                notes: [Diagnostic.Note("an empty line ended the block here", at: end)]
            )
        case .noBlock:
            guard !afterFaultyGlobal else {
                return
            }
            findings.error(
                .misplacedDirective,
                raw.name,
                "\(raw.name.quoted) is indented but stands outside of a block",
                notes: [Diagnostic.Note("a block starts with 'virtual' or 'virtual6' and ends at the next global line")]
            )
        }
    }

    private func reportUnknown(_ raw: RawDirective, _ directive: Directive?) {
        guard let directive else {
            guard !raw.name.isEmpty else {
                findings.error(.unknownDirective, raw.line.content, "a directive must stand before '='")
                return
            }
            let known = DirectiveTable.suggestions(in: raw.line.scope)
            var notes: [Diagnostic.Note] = []
            if let nearest = NearestName.of(raw.name.text ?? "", among: known) {
                notes.append(Diagnostic.Note("did you mean '\(nearest)'?"))
            }
            findings.error(.unknownDirective, raw.name, "unknown directive \(raw.name.quoted)", notes: notes)
            return
        }
        if directive.scope == .global {
            findings.error(.misplacedDirective, raw.name, "\(raw.name.quoted) must start in the first column")
        } else {
            findings.error(
                .misplacedDirective,
                raw.name,
                "\(raw.name.quoted) belongs in the block of a virtual server, indented by a TAB or four columns"
            )
        }
    }

    // MARK: the whole file

    mutating func result(wideEmptyLines: [Token]) -> ParseResult {
        let daemon = DaemonBuilder(values: globals.values, children: children).settings()
        var servers: [VirtualServer] = []
        var seen: [ServiceIdentity: Token] = [:]
        var budget = RealServerBuilder.largestSum
        for block in blocks {
            let builder = VirtualServerBuilder(
                block: block,
                inherited: globals,
                daemon: daemon,
                directorName: environment.directorName,
                endpoints: endpoints
            )
            guard let server = builder.virtualServer(budget: &budget) else {
                continue
            }
            if let first = seen[server.identity] {
                findings.error(
                    .duplicate,
                    block.place,
                    "duplicate virtual server \(server.identity)",
                    notes: [Diagnostic.Note("the first one is here", at: findings.span(first))]
                )
            } else {
                seen[server.identity] = block.place
                servers.append(server)
            }
        }
        for line in wideEmptyLines {
            findings.relaxed(line, "a line of five or more columns of white space")
        }
        if let name = lastLineOpensBlock {
            findings.relaxed(name, "an empty block at the end of the file")
        }
        let diagnostics = findings.sorted(refusingRelaxations: globals.values.text(.compat) == "legacy")
        let isUsable = !diagnostics.contains { $0.severity == .error }
        return ParseResult(
            configuration: isUsable ? Configuration(daemon: daemon, virtualServers: servers) : nil,
            diagnostics: diagnostics
        )
    }
}

extension LogicalLine.Fault {
    /// The line has no block it could belong to.
    var isOutsideBlocks: Bool {
        if case .noBlock = self { true } else { false }
    }
}
