// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LinuxKit
import Testing

/// A resolver that knows a handful of names.
struct TableResolver: NameResolver {
    var hosts: [String: [String]] = [
        "www.test": ["10.1.0.7", "2001:db8::7"],
        "web_1": ["10.1.0.8"],
        "first.test": ["10.1.0.1"],
        "last.test": ["10.1.0.3"],
    ]
    var services: [String: UInt16] = [
        "http/tcp": 80, "https/tcp": 443, "domain/tcp": 53, "domain/udp": 53, "syslog/udp": 514, "ftp/tcp": 21,
        "zero/tcp": 0,
    ]

    func address(of host: String, family: IPAddress.Family) throws(NameResolutionError) -> IPAddress {
        let addresses = (hosts[host] ?? []).compactMap { IPAddress($0) }
        guard let address = addresses.first(where: { $0.family == family }) else {
            throw NameResolutionError(reason: "Name or service not known")
        }
        return address
    }

    func port(of service: String, transport: TransportProtocol) -> UInt16? {
        services["\(service)/\(transport.rawValue)"]
    }
}

/// Stands in for the regular expression engine: knows only about parentheses.
func checkParentheses(_ pattern: String) -> PatternError? {
    var depth = 0
    for byte in pattern.utf8 {
        if byte == UInt8(ascii: "(") {
            depth += 1
        } else if byte == UInt8(ascii: ")") {
            depth -= 1
        }
    }
    return depth == 0 ? nil : PatternError(reason: "missing closing parenthesis", offset: pattern.utf8.count)
}

let testParser = ConfigurationParser(
    environment: ConfigurationEnvironment(
        resolver: TableResolver(),
        directorName: "director1",
        validatePattern: checkParentheses
    )
)

/// Parses text; the file is called `ld.cf`.
func parse(_ text: String) -> ParseResult {
    testParser.parse(Array(text.utf8), file: "ld.cf")
}

/// The configuration of a text that must be free of errors.
func configuration(_ text: String, at location: SourceLocation = #_sourceLocation) throws -> Configuration {
    let result = parse(text)
    let findings = report(text)
    return try #require(result.configuration, "\(findings)", sourceLocation: location)
}

/// The only virtual server of a text that must be free of errors.
func onlyServer(_ text: String, at location: SourceLocation = #_sourceLocation) throws -> VirtualServer {
    let servers = try configuration(text, at: location).virtualServers
    try #require(servers.count == 1, sourceLocation: location)
    return servers[0]
}

/// All findings as the user sees them.
func report(_ text: String) -> String {
    DiagnosticRenderer(source: Array(text.utf8)).render(parse(text).diagnostics)
}

/// The findings without source lines.
func summaries(_ text: String) -> [String] {
    parse(text).diagnostics.map(DiagnosticRenderer.summary)
}

/// The lines that have errors.
func errorLines(_ text: String) -> [Int] {
    parse(text).errors.map(\.span.line)
}

/// `ADDRESS:PORT METHOD WEIGHT` of each real server's destination, the form of the kernel's table.
func table(_ server: VirtualServer) -> [String] {
    server.realServers.map { "\(SocketAddress($0.address, port: $0.port)) \($0.forwarding.rawValue) \($0.weight)" }
}

func address(_ text: String) throws -> IPAddress {
    try #require(IPAddress(text))
}
