// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig
import LinuxKit

extension VirtualServer {
    /// The identity of the service in the kernel's table.
    var key: VirtualServiceKey {
        switch identity {
        case .address(.tcp, let endpoint): .address(.tcp, endpoint.address, port: endpoint.port)
        case .address(.udp, let endpoint): .address(.udp, endpoint.address, port: endpoint.port)
        case .address(.sctp, let endpoint): .address(.sctp, endpoint.address, port: endpoint.port)
        case .firewallMark(let mark, let family): .firewallMark(mark, family)
        }
    }

    /// The virtual in log lines: `10.9.0.1:80`, or the firewall mark.
    var name: String {
        switch identity {
        case .address(_, let endpoint): endpoint.description
        case .firewallMark(let mark, _): String(mark)
        }
    }

    /// The service as the kernel shall have it.
    var kernelService: VirtualService {
        var flags: VirtualService.Flags = schedulesEveryPacket ? [.onePacket] : []
        for word in schedulerFlags {
            switch word {
            case "flag-1", "sh-fallback", "mh-fallback": flags.insert(.scheduler1)
            case "flag-2", "sh-port", "mh-port": flags.insert(.scheduler2)
            case "flag-3": flags.insert(.scheduler3)
            default: break
            }
        }
        return VirtualService(
            key,
            scheduler: scheduler,
            flags: flags,
            persistence: persistence.map { persistence in
                let seconds = UInt32(clamping: persistence.timeout.components.seconds)
                return switch persistence.granularity {
                case .netmask(let mask):
                    VirtualService.Persistence(timeoutSeconds: seconds, mask: mask.ipv4Value ?? .max)
                case .prefixLength(let length):
                    VirtualService.Persistence(timeoutSeconds: seconds, prefixLength: Int(length))
                }
            }
        )
    }
}

extension LDirectorConfig.ForwardingMethod {
    fileprivate var kernelMethod: Destination.ForwardingMethod {
        switch self {
        case .gate: .directRouting
        case .masq: .masquerade
        case .ipip, .gue, .gre: .tunnel
        }
    }

    fileprivate var encapsulation: Destination.Encapsulation {
        switch self {
        case .gate, .masq, .ipip: .ipip
        case .gue(let port, let checksum): .gue(port: port, flags: checksum.kernelFlags)
        case .gre(let checksum): .gre(flags: checksum.kernelFlags)
        }
    }
}

extension LDirectorConfig.ForwardingMethod.TunnelChecksum {
    /// IP_VS_TUNNEL_ENCAP_FLAG_… of linux/ip_vs.h.
    fileprivate var kernelFlags: UInt16 {
        switch self {
        case .off: 0
        case .full: 1
        case .remote: 2
        }
    }
}

extension RealServer {
    /// The identity of the server within its service.
    var key: Destination.Key { Destination.Key(address, port: port) }

    /// The server in log lines; shows both ports where the kernel's differs from the configured one.
    var name: String {
        configuredPort == port || configuredPort == 0
            ? "\(key)" : "\(key) mapped from \(address.bracketed):\(configuredPort)"
    }

    /// The server as the kernel shall have it, with this weight.
    func kernelDestination(weight: Int) -> Destination {
        Destination(
            key,
            forwarding: forwarding.kernelMethod,
            weight: weight,
            upperThreshold: upperThreshold,
            lowerThreshold: lowerThreshold,
            encapsulation: forwarding.encapsulation
        )
    }
}

extension Fallback {
    /// The identity of the server within its service.
    var key: Destination.Key { Destination.Key(address, port: port) }

    /// The server as the kernel shall have it.
    var kernelDestination: Destination {
        Destination(
            key,
            forwarding: forwarding.kernelMethod,
            weight: 1,
            encapsulation: forwarding.encapsulation
        )
    }
}
