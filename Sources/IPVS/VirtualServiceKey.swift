// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What identifies a virtual service in the kernel's table.
public enum VirtualServiceKey: Hashable, Sendable, CustomStringConvertible {
    /// A protocol, an address and a port (host order); port 0 is every port and needs persistence.
    case address(TransportProtocol, IPAddress, port: UInt16)

    /// A firewall mark other than 0 and the address family of the packets that carry it.
    case firewallMark(UInt32, IPAddress.Family)

    /// The address family of the service.
    public var family: IPAddress.Family {
        switch self {
        case .address(_, let address, _): address.family
        case .firewallMark(_, let family): family
        }
    }

    /// As people write it: `TCP 192.0.2.1:80`, `FWM 7`, `FWM 7 IPv6`.
    public var description: String {
        switch self {
        case .address(let transport, let address, let port): "\(transport) \(address.bracketed):\(port)"
        case .firewallMark(let mark, .ipv4): "FWM \(mark)"
        case .firewallMark(let mark, .ipv6): "FWM \(mark) IPv6"
        }
    }
}
