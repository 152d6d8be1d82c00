// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

/// What `ipvsadm -Sn` prints for an entry (version 1.31); limits of connections are not in it.
enum IpvsadmText {
    static func lines(_ table: [ServiceEntry]) -> [String] {
        table.flatMap(lines).sorted()
    }

    private static func lines(_ entry: ServiceEntry) -> [String] {
        let service = entry.service
        let name = option(service.key)
        var line = "-A \(name) -s \(service.scheduler)"
        if let persistence = service.persistence {
            line += " -p \(persistence.timeoutSeconds)"
            if let prefix = persistence.prefixLength {
                line += " -M \(mask(prefix, service.key))"
            }
        }
        if service.flags.contains(.onePacket) {
            line += " -o"
        }
        let flags = zip([VirtualService.Flags.scheduler1, .scheduler2], ["fallback", "port"])
            .filter { service.flags.contains($0.0) }.map { "\(service.scheduler)-\($0.1)" }
        if !flags.isEmpty {
            line += " -b \(flags.joined(separator: ","))"
        }
        return [line]
            + entry.destinations.map { "-a \(name) -r \($0.key) \(forwarding($0)) -w \($0.weight)\(tunnel($0))" }
    }

    private static func option(_ key: VirtualServiceKey) -> String {
        switch key {
        case .address(let transport, let address, let port):
            let letter = transport == .tcp ? "t" : transport == .udp ? "u" : "-sctp-service"
            return "-\(letter) \(address.bracketed):\(port)"
        case .firewallMark(let mark, .ipv4): return "-f \(mark)"
        case .firewallMark(let mark, .ipv6): return "-f \(mark) -6"
        }
    }

    private static func mask(_ prefix: Int, _ key: VirtualServiceKey) -> String {
        guard key.family == .ipv4 else {
            return "\(prefix)"
        }
        return (0..<4).map { "\(UInt8(truncatingIfNeeded: 0xff00 >> min(8, max(0, prefix - 8 * $0))))" }
            .joined(separator: ".")
    }

    private static func forwarding(_ destination: Destination) -> String {
        switch destination.forwarding {
        case .masquerade: "-m"
        case .tunnel: "-i"
        default: "-g"
        }
    }

    private static func tunnel(_ destination: Destination) -> String {
        guard destination.forwarding == .tunnel else {
            return ""
        }
        func checksum(_ flags: UInt16) -> String {
            flags == 0 ? " --tun-nocsum" : flags == 1 ? " --tun-csum" : " --tun-remcsum"
        }
        switch destination.encapsulation {
        case .ipip: return " --tun-type ipip"
        case .gue(let port, let flags): return " --tun-type gue --tun-port \(port)\(checksum(flags))"
        case .gre(let flags): return " --tun-type gre\(checksum(flags))"
        }
    }
}
