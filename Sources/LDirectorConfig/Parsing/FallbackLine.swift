// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The value of a `fallback` or `fallback6` line; its host is looked up once, its port for each virtual server.
struct FallbackLine {
    let address: IPAddress
    let port: PortText?
    let forwarding: ForwardingMethod

    /// Reads `host[:port] [forward]`; nil after an error.
    init?(_ value: Token, family: IPAddress.Family, endpoints: EndpointReader) {
        let findings = endpoints.findings
        let (place, rest) = value.firstWord
        let (word, leftover) = rest.firstWord
        guard leftover.isEmpty else {
            findings.error(.leftover, leftover, "\(leftover.quoted) does not belong here; write HOST[:PORT] [FORWARD]")
            return nil
        }
        if word.isEmpty {
            forwarding = .gate
        } else {
            guard let method = ForwardingWord.read(word, after: place, findings: findings) else {
                return nil
            }
            forwarding = method
        }
        let (hostToken, portToken) = endpoints.splitPort(place)
        guard let host = endpoints.host(hostToken) else {
            return nil
        }
        if let portToken {
            guard let written = endpoints.port(portToken) else {
                return nil
            }
            port = written
        } else {
            port = nil
        }
        guard let resolved = endpoints.address(host, family: family) else {
            return nil
        }
        address = resolved
    }

    /// The fallback server of one virtual server; nil after an error.
    func server(of identity: ServiceIdentity, endpoints: EndpointReader) -> Fallback? {
        var configured = identity.port
        if let port {
            guard let number = endpoints.number(port, transports: identity.transportsByPreference) else {
                return nil
            }
            configured = number
        }
        return Fallback(
            address: address,
            port: identity.destinationPort(configured: configured, forwarding: forwarding),
            configuredPort: configured,
            forwarding: forwarding
        )
    }
}

extension ServiceIdentity {
    /// The own protocol first, then the others.
    var transportsByPreference: [TransportProtocol] {
        switch transport {
        case .udp: [.udp, .tcp]
        case .sctp: [.sctp, .tcp, .udp]
        case .tcp, nil: [.tcp, .udp]
        }
    }

    /// The port that the kernel's destination gets: direct routing and tunnels cannot translate it, so under an address
    /// it is always the virtual port.
    func destinationPort(configured: UInt16, forwarding: ForwardingMethod) -> UInt16 {
        switch (self, forwarding) {
        case (.address, .masq), (.firewallMark, _): configured
        case (.address(_, let endpoint), _): endpoint.port
        }
    }
}
