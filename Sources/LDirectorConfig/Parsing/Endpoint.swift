// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// A host as written: an address, or a name still to be looked up.
struct HostText {
    enum Value {
        case address(IPAddress)
        case name(String)
    }

    let value: Value
    let token: Token
}

/// A port as written: a number, or a service name still to be looked up.
struct PortText {
    enum Value {
        case number(UInt16)
        case name(String)
    }

    let value: Value
    let token: Token
}

/// Reads hosts and ports, and looks names up.
struct EndpointReader {
    let findings: Findings
    let resolver: any NameResolver

    /// A host without its port: IPv4, a name, or IPv6 in brackets; nil after an error.
    func host(_ token: Token) -> HostText? {
        if token.starts(with: "[") {
            guard token.bytes.last == UInt8(ascii: "]"), token.bytes.count > 2,
                let text = token.dropFirst().prefix(upTo: token.bytes.endIndex - 1).text,
                let address = IPAddress(text), address.family == .ipv6
            else {
                findings.error(.badAddress, token, "\(token.quoted) is not an IPv6 address in brackets")
                return nil
            }
            return HostText(value: .address(address), token: token)
        }
        guard token.all(\.isHostByte), let text = token.text else {
            var notes: [Diagnostic.Note] = []
            if let text = token.text, IPAddress(text)?.family == .ipv6 {
                notes.append(Diagnostic.Note("an IPv6 address stands in brackets: [\(text)]"))
            }
            findings.error(.badAddress, token, "\(token.quoted) is not a host name or an address", notes: notes)
            return nil
        }
        if let address = IPAddress(text) {
            return HostText(value: .address(address), token: token)
        }
        // What C libraries read as short, octal or hexadecimal addresses is more likely a slip than a name.
        guard !Self.looksNumeric(text) else {
            findings.error(.badAddress, token, "\(token.quoted) is not four decimal numbers from 0 to 255")
            return nil
        }
        if text.utf8.contains(UInt8(ascii: "_")) {
            findings.relaxed(token, "an underscore in a host name")
        }
        return HostText(value: .name(text), token: token)
    }

    private static func looksNumeric(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            let digits = part.hasPrefix("0x") || part.hasPrefix("0X") ? part.dropFirst(2) : part
            let isHex = digits.startIndex != part.startIndex
            return digits.utf8.allSatisfy { isHex ? $0.isHexDigit : $0.isDigit }
        }
    }

    /// A port number or service name; nil after an error.
    func port(_ token: Token) -> PortText? {
        guard !token.isEmpty else {
            findings.error(.badPort, token, "a port number or a service name must follow the colon")
            return nil
        }
        guard token.all(\.isServiceByte), let text = token.text else {
            findings.error(.badPort, token, "\(token.quoted) is not a port number or a service name")
            return nil
        }
        guard token.all(\.isDigit) else {
            return PortText(value: .name(text), token: token)
        }
        guard let number = NumberReader.value(token).flatMap(UInt16.init(exactly:)) else {
            findings.error(.badPort, token, "port \(token.quoted) is above 65535")
            return nil
        }
        return PortText(value: .number(number), token: token)
    }

    /// Splits `host:port` or `[v6]:port`; the port is missing when nothing follows the host.
    func splitPort(_ token: Token) -> (host: Token, port: Token?) {
        // Such an address without brackets is told as one mistake, not as a wrong host and a wrong port.
        if let text = token.text, IPAddress(text)?.family == .ipv6 {
            return (token, nil)
        }
        let hostEnd: Int
        if token.starts(with: "[") {
            hostEnd = token.firstIndex(of: "]").map { $0 + 1 } ?? token.bytes.endIndex
        } else {
            hostEnd = token.firstIndex(of: ":") ?? token.bytes.endIndex
        }
        let rest = token.suffix(from: hostEnd)
        guard rest.starts(with: ":") else {
            return (rest.isEmpty ? token.prefix(upTo: hostEnd) : token, nil)
        }
        return (token.prefix(upTo: hostEnd), rest.dropFirst())
    }

    /// The address of a host in the wanted family; nil after an error.
    func address(_ host: HostText, family: IPAddress.Family) -> IPAddress? {
        switch host.value {
        case .address(let address):
            guard address.family == family else {
                let wanted = family == .ipv4 ? "an IPv4" : "an IPv6"
                findings.error(.family, host.token, "\(host.token.quoted) is not \(wanted) address")
                return nil
            }
            return address
        case .name(let name):
            let result = Result { () throws(NameResolutionError) in
                try resolver.address(of: name, family: family)
            }
            switch result {
            case .success(let address) where address.family == family:
                return address
            case .success:
                findings.error(.unresolved, host.token, "cannot resolve host '\(name)': no address of this family")
            case .failure(let failure):
                findings.error(.unresolved, host.token, "cannot resolve host '\(name)': \(failure.reason)")
            }
            return nil
        }
    }

    /// The number of a port under the first of `transports` that knows its name; nil after an error.
    func number(_ port: PortText, transports: [TransportProtocol]) -> UInt16? {
        switch port.value {
        case .number(let number):
            return number
        case .name(let name):
            for (index, transport) in transports.enumerated() {
                if let number = resolver.port(of: name, transport: transport) {
                    if index > 0 {
                        findings.relaxed(port.token, "a service name of another protocol")
                    }
                    return number
                }
            }
            let list = transports.map(\.rawValue).joined(separator: " or ")
            findings.error(.badPort, port.token, "unknown service '\(name)' for \(list)")
            return nil
        }
    }
}
