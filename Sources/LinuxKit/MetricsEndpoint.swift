// SPDX-License-Identifier: Apache-2.0

/// Where the figures can be fetched (`metrics`).
public enum MetricsEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// An address and port, for HTTP.
    case address(SocketAddress)
    /// A local socket, for HTTP as well.
    case localSocket(String)

    /// Reads `ADDRESS:PORT`, an IPv6 address in brackets, or an absolute path; nil when it is none of them.
    public init?(_ text: String) {
        if text.utf8.first == UInt8(ascii: "/") {
            // What fits into a socket's address (unix(7)).
            guard text.utf8.count > 1, text.utf8.count < 108, text.utf8.last != UInt8(ascii: "/") else {
                return nil
            }
            self = .localSocket(text)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = text[..<colon]
        let isBracketed = host.first == "[" && host.last == "]"
        if isBracketed {
            host = host.dropFirst().dropLast()
        }
        guard let address = IPAddress(String(host)), (address.family == .ipv6) == isBracketed else {
            return nil
        }
        self = .address(SocketAddress(address, port: port))
    }

    /// The text that it was read from.
    public var description: String {
        switch self {
        case .address(let address): address.description
        case .localSocket(let path): path
        }
    }
}
