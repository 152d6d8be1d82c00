// SPDX-License-Identifier: Apache-2.0

/// How packets get from the director to a real server.
public enum ForwardingMethod: Sendable, Hashable {
    /// Direct routing.
    case gate
    /// Network address translation.
    case masq
    /// IP in IP tunnel.
    case ipip
    /// Tunnel in UDP datagrams to a port (generic UDP encapsulation; Linux 5.3 and later).
    case gue(port: UInt16, TunnelChecksum)
    /// Tunnel by generic routing encapsulation (Linux 5.3 and later); never with ``TunnelChecksum/remote``.
    case gre(TunnelChecksum)

    /// The checksum of a tunnel's outer packets.
    public enum TunnelChecksum: String, Sendable, Hashable, CaseIterable {
        /// None.
        case off = "nocsum"
        /// Over the whole packet.
        case full = "csum"
        /// The real server completes it (remote checksum offload).
        case remote = "remcsum"
    }

    /// Whether packets are wrapped on their way.
    public var isTunnel: Bool {
        switch self {
        case .ipip, .gue, .gre: true
        case .gate, .masq: false
        }
    }

    /// Whether the Perl program knows the method.
    public var isLegacy: Bool {
        switch self {
        case .gate, .masq, .ipip: true
        case .gue, .gre: false
        }
    }
}

extension ForwardingMethod: RawRepresentable {
    /// The word of the configuration: `gate`, `masq`, `ipip`, `gue:6080,csum`, `gre`.
    public var rawValue: String {
        switch self {
        case .gate: "gate"
        case .masq: "masq"
        case .ipip: "ipip"
        case .gue(let port, let checksum): "gue:\(port)" + Self.suffix(checksum)
        case .gre(let checksum): "gre" + Self.suffix(checksum)
        }
    }

    /// Reads the word of the configuration; nil when it is none.
    public init?(rawValue: String) {
        switch rawValue {
        case "gate": self = .gate
        case "masq": self = .masq
        case "ipip": self = .ipip
        default: self.init(tunnel: rawValue)
        }
    }

    private init?(tunnel word: String) {
        let parts = word.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        guard let method = parts.first else {
            return nil
        }
        let checksum = parts.count > 1 ? TunnelChecksum(rawValue: String(parts[1])) : .off
        switch method {
        case "gre":
            guard let checksum, checksum != .remote else {
                return nil
            }
            self = .gre(checksum)
        default:
            guard method.hasPrefix("gue:"), let checksum, let port = Self.port(method.dropFirst(4)), port > 0 else {
                return nil
            }
            self = .gue(port: port, checksum)
        }
    }

    private static func suffix(_ checksum: TunnelChecksum) -> String {
        checksum == .off ? "" : ",\(checksum.rawValue)"
    }

    private static func port(_ text: Substring) -> UInt16? {
        text.utf8.allSatisfy(\.isDigit) ? UInt16(text) : nil
    }
}
