// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets

/// The question to a link's default gateway that it answers even where it drops ICMP echoes: who has your address? By ARP
/// (RFC 826) or neighbour solicitation (RFC 4861).
struct GatewayQuestion: Equatable, Sendable {
    /// A frame without its link-layer header.
    struct Frame: Equatable, Sendable {
        var payload: [UInt8]
        var destination: LinkLayerAddress
    }

    /// Who is asked.
    let gateway: IPAddress

    /// Our address on the link.
    let address: IPAddress

    /// Our interface.
    let device: AnnouncingDevice

    /// The gateway's hardware address, when it has answered by ARP.
    private(set) var hardware: LinkLayerAddress?

    /// When it last answered this question, and an ICMP echo.
    private var answeredAt: MonotonicTime?
    private var echoedAt: MonotonicTime?

    /// Describes a question; nil when the addresses are of two families.
    init?(gateway: IPAddress, address: IPAddress, device: AnnouncingDevice) {
        guard gateway.family == address.family else {
            return nil
        }
        self.gateway = gateway
        self.address = address
        self.device = device
    }

    /// Whether another question would be the same.
    func asksTheSame(as other: GatewayQuestion?) -> Bool {
        gateway == other?.gateway && address == other?.address && device == other?.device
    }

    /// Notes an answer to an ICMP echo.
    mutating func noteEcho(at now: MonotonicTime) { echoedAt = now }

    /// Notes an answer to this question.
    mutating func noteAnswer(from hardware: LinkLayerAddress? = nil, at now: MonotonicTime) {
        answeredAt = now
        self.hardware = hardware ?? self.hardware
    }

    /// Whether it is to be asked: not while echoes are answered, which tell the same.
    func isDue(patience: Duration, at now: MonotonicTime) -> Bool {
        echoedAt.map { now - $0 > patience } ?? true
    }

    /// Whether it may be asked alone, without troubling the others on the link.
    func isProven(patience: Duration, at now: MonotonicTime) -> Bool {
        answeredAt.map { now - $0 <= patience } ?? false
    }

    /// The ARP request and where it goes; nil for IPv6.
    func frame(patience: Duration, at now: MonotonicTime) -> Frame? {
        let zero = LinkLayerAddress(bytes: [UInt8](repeating: 0, count: device.hardware.bytes.count))
        let isInfiniBand = device.hardwareType == ARPPacket.infiniband
        let packet = ARPPacket(
            hardwareType: isInfiniBand ? ARPPacket.infiniband : ARPPacket.ethernet,
            operation: .request,
            senderHardware: device.hardware,
            sender: address,
            targetHardware: zero ?? device.hardware,
            target: gateway
        )
        let known = isProven(patience: patience, at: now) ? hardware : nil
        return (packet?.bytes).map { Frame(payload: $0, destination: known ?? device.broadcast) }
    }

    /// The neighbour solicitation and where it goes; nil for IPv4.
    func solicitation(patience: Duration, at now: MonotonicTime) -> (message: [UInt8], destination: IPAddress)? {
        NeighborSolicitation(target: gateway, hardware: device.hardware).map { question in
            (question.bytes, isProven(patience: patience, at: now) ? gateway : question.group)
        }
    }

    /// The gateway's hardware address, if an ARP packet is its answer to us.
    func answer(in payload: [UInt8]) -> LinkLayerAddress? {
        guard let packet = ARPPacket(payload), packet.operation == .reply, packet.sender == gateway,
            packet.target == address, packet.targetHardware == device.hardware,
            packet.senderHardware != device.hardware
        else {
            return nil
        }
        return packet.senderHardware
    }

    /// Whether an ICMPv6 message is the gateway's answer; routers let none through that has this hop limit.
    func isAnswer(_ message: [UInt8], hopLimit: UInt8?) -> Bool {
        hopLimit == 255 && NeighborAdvertisement.solicitedTarget(of: message) == gateway
    }
}
