// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// A line of /proc/net/ip_vs_conn_sync: an entry of the connection table and where it is from.
public struct TableEntry: Equatable, Sendable {
    /// Protocol, client and virtual service.
    public let key: ConnectionKey
    /// The real server.
    public let destination: SocketAddress
    /// The state's name.
    public let state: String
    /// Whether it was opened on this director; false for one that was learned.
    public let isLocal: Bool
    /// Seconds until it expires.
    public let expires: UInt32

    /// Reads a line; nil for the heading and for entries of another form, such as mixed address families.
    ///
    /// - Parameter line: `TCP C0A80001 1F90 C0A80002 0050 C0A80003 0050 ESTABLISHED LOCAL 899` without its end.
    public init?(_ line: ArraySlice<UInt8>) {
        var fields = line.split(separator: UInt8(ascii: " "), maxSplits: 12).makeIterator()
        guard let transport = fields.next().flatMap(Self.transport),
            let client = Self.end(fields.next(), fields.next()),
            let virtual = Self.end(fields.next(), fields.next()),
            let destination = Self.end(fields.next(), fields.next()),
            client.address.family == virtual.address.family, virtual.address.family == destination.address.family,
            let state = fields.next(), let origin = fields.next(), let expires = fields.next()
        else {
            return nil
        }
        key = ConnectionKey(transport: transport, client: client, virtual: virtual)
        self.destination = destination
        self.state = String(decoding: state, as: UTF8.self)
        isLocal = origin.elementsEqual("LOCAL".utf8)
        // The number is that of a running timer and may be beyond all bounds.
        self.expires = UInt32(String(decoding: expires, as: UTF8.self)).map { min($0, 86_400) } ?? 0
    }

    private static func transport(_ name: ArraySlice<UInt8>) -> UInt8? {
        switch String(decoding: name, as: UTF8.self) {
        case "TCP": 6
        case "UDP": 17
        case "SCTP": 132
        case "IP": 0
        default: nil
        }
    }

    private static func end(_ address: ArraySlice<UInt8>?, _ port: ArraySlice<UInt8>?) -> SocketAddress? {
        guard let address, let port, let number = hexadecimal(port).flatMap({ UInt16(exactly: $0) }) else {
            return nil
        }
        if address.count == 8 {
            return hexadecimal(address).map { SocketAddress(IPAddress(ipv4: $0), port: number) }
        }
        let bare = address.first == UInt8(ascii: "[") ? address.dropFirst().dropLast() : address
        guard bare.count == 39 else {
            return nil
        }
        return IPAddress(String(decoding: bare, as: UTF8.self)).map { SocketAddress($0, port: number) }
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard (1...8).contains(digits.count) else {
            return nil
        }
        var value: UInt32 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt32(digit - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(digit - 0x37)
            case 0x61...0x66: value = value << 4 | UInt32(digit - 0x57)
            default: return nil
            }
        }
        return value
    }
}
