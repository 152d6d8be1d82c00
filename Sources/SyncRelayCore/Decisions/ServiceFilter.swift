// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// Which virtual services' connections a relay gives to its kernel.
public struct ServiceFilter: Equatable, Sendable {
    private var ends: Set<SocketAddress> = []

    /// Takes everything.
    public init() {}

    /// Reads a list; nil when it is none.
    ///
    /// - Parameter text: Addresses with a port, or without one for all of their ports: `10.77.0.100,10.77.0.101:80,[fd77::100]:80`.
    public init?(_ text: String) {
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let end = Self.end(word) else {
                return nil
            }
            ends.insert(end)
        }
    }

    /// Whether everything is taken.
    public var takesAll: Bool { ends.isEmpty }

    /// Whether a connection is taken; the template of a firewall mark always is, because it names no address.
    public func takes(_ key: ConnectionKey) -> Bool {
        takesAll || key.transport == 0 || ends.contains(SocketAddress(key.virtual.address, port: key.virtual.port))
            || ends.contains(SocketAddress(key.virtual.address, port: 0))
    }

    private static func end(_ word: Substring) -> SocketAddress? {
        if let address = IPAddress(String(word)) {
            return SocketAddress(address, port: 0)
        }
        guard let colon = word.lastIndex(of: ":"), let port = UInt16(word[word.index(after: colon)...]), port > 0 else {
            return nil
        }
        let host = word[..<colon]
        if host.first == "[" {
            guard host.last == "]", let address = IPAddress(String(host.dropFirst().dropLast())),
                address.family == .ipv6
            else {
                return nil
            }
            return SocketAddress(address, port: port)
        }
        return IPAddress(String(host)).flatMap { $0.family == .ipv4 ? SocketAddress($0, port: port) : nil }
    }
}
