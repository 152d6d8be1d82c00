// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

/// Random tables from small pools, so that two of them share keys.
enum RandomTable {
    static func table(using random: inout SeededGenerator) -> [ServiceEntry] {
        var seen: Set<VirtualServiceKey> = []
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in entry(using: &random) }
            .filter { seen.insert($0.service.key).inserted }
    }

    static func entry(using random: inout SeededGenerator) -> ServiceEntry {
        let isV4 = Bool.random(using: &random)
        let key: VirtualServiceKey =
            Int.random(in: 0...3, using: &random) == 0
            ? .firewallMark(UInt32.random(in: 1...3, using: &random), isV4 ? .ipv4 : .ipv6)
            : .address(
                Bool.random(using: &random) ? .tcp : .udp,
                address(isV4, 1, using: &random),
                port: UInt16.random(in: 79...80, using: &random)
            )
        var service = VirtualService(key, scheduler: ["rr", "wlc", "sh"].randomElement(using: &random) ?? "rr")
        service.flags = VirtualService.Flags(rawValue: UInt32.random(in: 0...15, using: &random) << 2)
        if Bool.random(using: &random) {
            service.persistence = .init(
                timeoutSeconds: UInt32.random(in: 1...600, using: &random),
                prefixLength: Bool.random(using: &random) ? nil : Int.random(in: 1...(isV4 ? 31 : 127), using: &random)
            )
        }
        var seen: Set<Destination.Key> = []
        let destinations = (0..<Int.random(in: 0...5, using: &random)).map { _ in
            destination(isV4, using: &random)
        }
        return ServiceEntry(service, destinations: destinations.filter { seen.insert($0.key).inserted })
    }

    private static func destination(_ isV4: Bool, using random: inout SeededGenerator) -> Destination {
        var destination = Destination(
            Destination.Key(address(isV4, 9, using: &random), port: UInt16.random(in: 79...80, using: &random)),
            forwarding: [.masquerade, .tunnel, .directRouting].randomElement(using: &random) ?? .masquerade,
            weight: Int.random(in: 0...3, using: &random)
        )
        if Bool.random(using: &random) {
            destination.upperThreshold = UInt32.random(in: 10...11, using: &random)
            destination.lowerThreshold = 5
        }
        if destination.forwarding == .tunnel, Bool.random(using: &random) {
            destination.encapsulation = .gue(port: 6080, flags: 1)
        }
        return destination
    }

    private static func address(_ isV4: Bool, _ base: UInt8, using random: inout SeededGenerator) -> IPAddress {
        let last = base + UInt8.random(in: 0...3, using: &random)
        return isV4
            ? IPAddress(ipv4: 0x0a00_0000 | UInt32(last))
            : IPAddress(bytes: [0xfd] + [UInt8](repeating: 0, count: 14) + [last]) ?? IPAddress(ipv4: 0)
    }
}
