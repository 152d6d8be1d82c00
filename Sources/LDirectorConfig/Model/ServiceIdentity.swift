// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// A transport protocol of a virtual service.
public enum TransportProtocol: String, Sendable, Hashable, CaseIterable {
    case tcp
    case udp
    case sctp
}

/// What makes a virtual service unique in the kernel's table.
public enum ServiceIdentity: Sendable, Hashable, CustomStringConvertible {
    /// Traffic to one address and port.
    case address(TransportProtocol, SocketAddress)
    /// Packets of one family that carry a firewall mark (never 0).
    case firewallMark(UInt32, IPAddress.Family)

    /// The address family of the service.
    public var family: IPAddress.Family {
        switch self {
        case .address(_, let endpoint): endpoint.address.family
        case .firewallMark(_, let family): family
        }
    }

    /// The transport protocol; nil for a firewall mark.
    public var transport: TransportProtocol? {
        switch self {
        case .address(let transport, _): transport
        case .firewallMark: nil
        }
    }

    /// The virtual port; 0 for a firewall mark.
    public var port: UInt16 {
        switch self {
        case .address(_, let endpoint): endpoint.port
        case .firewallMark: 0
        }
    }

    /// The word of the `protocol` directive: tcp, udp, sctp or fwm.
    public var protocolWord: String { transport?.rawValue ?? "fwm" }

    /// `tcp 10.9.0.1:80`, `fwm 5` or `fwm6 5`.
    public var description: String {
        switch self {
        case .address(let transport, let endpoint): "\(transport.rawValue) \(endpoint)"
        case .firewallMark(let mark, .ipv4): "fwm \(mark)"
        case .firewallMark(let mark, .ipv6): "fwm6 \(mark)"
        }
    }
}
