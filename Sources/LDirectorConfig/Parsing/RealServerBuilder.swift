// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Looks up the real servers of one block, expands ranges, and applies the rules for ports.
struct RealServerBuilder {
    /// The most servers one range may stand for.
    static let largestRange: UInt32 = 65_536

    /// The most servers that all ranges of a file may stand for, so that no file can exhaust memory.
    static let largestSum = 262_144

    let identity: ServiceIdentity
    let check: CheckSettings
    let family: IPAddress.Family
    let endpoints: EndpointReader

    private var findings: Findings { endpoints.findings }

    /// The servers in file order, without those in error; `budget` is what is left of ``largestSum``.
    func realServers(_ lines: [RealLine], budget: inout Int) -> [RealServer] {
        var servers: [RealServer] = []
        var seen: [SocketAddress: (index: Int, line: Token)] = [:]
        for line in lines where budget >= 0 {
            let expanded = expand(line)
            budget -= expanded.count
            guard budget >= 0 else {
                findings.error(
                    .badAddress,
                    line.token,
                    "the real servers of the file are too many, \(Self.largestSum) is the limit"
                )
                return servers
            }
            // A range gets at most one finding of either kind.
            var reported: Set<Bool> = []
            for server in expanded {
                let destination = SocketAddress(server.address, port: server.port)
                if let first = seen[destination] {
                    if reported.insert(server == servers[first.index]).inserted {
                        report(server, destination, on: line, first: servers[first.index], at: first.line)
                    }
                } else {
                    seen[destination] = (servers.count, line.token)
                    servers.append(server)
                }
            }
        }
        return servers
    }

    private func report(
        _ server: RealServer,
        _ destination: SocketAddress,
        on line: RealLine,
        first: RealServer,
        at firstLine: Token
    ) {
        let notes = [Diagnostic.Note("the first one is here", at: findings.span(firstLine))]
        if server == first {
            findings.warning(.duplicate, line.token, "\(destination) is repeated and counts once", notes: notes)
        } else {
            findings.error(
                .duplicate,
                line.token,
                "\(destination) is already a real server of this virtual server, with other settings",
                notes: notes
            )
        }
    }

    private func expand(_ line: RealLine) -> [RealServer] {
        let first = endpoints.address(line.host, family: family)
        var last: IPAddress?
        if let lastHost = line.lastHost {
            last = endpoints.address(lastHost, family: family)
        }
        var configured: UInt16 = 0
        if let port = line.port {
            guard let number = endpoints.number(port, transports: identity.transportsByPreference) else {
                return []
            }
            configured = number
        }
        guard let first, line.lastHost == nil || last != nil,
            let addresses = addresses(from: first, through: last, line)
        else {
            return []
        }
        return addresses.map { address in
            RealServer(
                address: address,
                port: identity.destinationPort(configured: configured, forwarding: line.forwarding),
                configuredPort: configured,
                checkPort: checkPort(configured),
                forwarding: line.forwarding,
                weight: line.weight,
                content: line.content,
                lowerThreshold: line.lowerThreshold,
                upperThreshold: line.upperThreshold
            )
        }
    }

    /// A range counts in numbers, across all octets.
    private func addresses(from first: IPAddress, through last: IPAddress?, _ line: RealLine) -> [IPAddress]? {
        guard let last, let low = first.ipv4Value, let high = last.ipv4Value else {
            return [first]
        }
        guard low <= high else {
            findings.error(.badAddress, line.token, "the range ends at \(last), below its start \(first)")
            return nil
        }
        guard high - low < Self.largestRange else {
            findings.error(.badAddress, line.token, "a range has at most \(Self.largestRange) servers")
            return nil
        }
        return (low...high).map(IPAddress.init(ipv4:))
    }

    private func checkPort(_ configured: UInt16) -> UInt16 {
        RealServer.port(of: check, configured: configured, in: identity)
    }
}
