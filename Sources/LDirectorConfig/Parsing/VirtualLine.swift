// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// The value of a `virtual` or `virtual6` line before its port is looked up.
enum VirtualTarget {
    case firewallMark(UInt32)
    case endpoint(HostText, PortText)

    /// A port written as 53 or domain means udp unless the block says otherwise.
    var impliedTransport: TransportProtocol {
        guard case .endpoint(_, let port) = self else {
            return .tcp
        }
        return port.token == "53" || port.token == "domain" ? .udp : .tcp
    }

    /// Reads `address:port`, `name:port`, `[v6]:port` or a firewall mark; nil after an error.
    init?(_ value: Token, family: IPAddress.Family, endpoints: EndpointReader) {
        let findings = endpoints.findings
        let (word, rest) = value.firstWord
        if word.all(\.isDigit) {
            guard rest.isEmpty else {
                findings.error(.badMark, value, "a firewall mark is digits only, not \(value.quoted)")
                return nil
            }
            guard let number = NumberReader.value(word), let mark = UInt32(exactly: number), mark > 0 else {
                findings.error(.badMark, word, "firewall mark \(word.quoted) is not in 1 to 4294967295")
                return nil
            }
            self = .firewallMark(mark)
            return
        }
        if word.starts(with: "["), family == .ipv4 {
            let note = Diagnostic.Note("write 'virtual6=\(word.text ?? "")'")
            findings.error(.family, word, "'virtual' takes IPv4, not \(word.quoted)", notes: [note])
            return nil
        }
        let (hostToken, portToken) = Self.split(word, endpoints)
        guard let portToken, !portToken.isEmpty else {
            Self.reportMissingPort(word, hostToken, endpoints)
            return nil
        }
        guard let host = endpoints.host(hostToken) else {
            return nil
        }
        if case .address(let address) = host.value, address.family != family {
            findings.error(.family, hostToken, "'virtual6' takes IPv6 in brackets or a name, not \(hostToken.quoted)")
            return nil
        }
        let portName = portToken.prefix(while: \.isServiceByte)
        guard !portName.isEmpty, let port = endpoints.port(portName) else {
            if portName.isEmpty {
                findings.error(.badPort, portToken, "\(portToken.quoted) is not a port number or a service name")
            }
            return nil
        }
        if case .number(0) = port.value {
            findings.error(.badPort, portName, "a virtual server cannot have port 0")
            return nil
        }
        let dropped = value.suffix(from: portName.bytes.endIndex).trimmed
        if !dropped.isEmpty {
            findings.warning(.droppedText, dropped, "\(dropped.quoted) after the virtual address is ignored")
        }
        self = .endpoint(host, port)
    }

    private static func split(_ word: Token, _ endpoints: EndpointReader) -> (host: Token, port: Token?) {
        endpoints.splitPort(word)
    }

    private static func reportMissingPort(_ word: Token, _ host: Token, _ endpoints: EndpointReader) {
        guard endpoints.host(host) != nil else {
            return
        }
        endpoints.findings.error(
            .badAddress,
            word,
            "\(word.quoted) has no port",
            notes: [Diagnostic.Note("write \(word.quoted.dropLast()):PORT', or a number alone for a firewall mark")]
        )
    }
}
