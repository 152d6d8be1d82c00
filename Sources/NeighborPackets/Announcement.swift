// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What tells neighbours that an IPv4 address has moved to this device: the packets of one round.
public struct Announcement: Sendable, Hashable {
    /// Which packets a round consists of; some switches and hosts honour only one kind.
    public enum Style: Sendable, Hashable {
        /// A request, then a reply.
        case requestAndReply
        /// Requests only, as `arping -U` sends them.
        case request
        /// Replies only, as `arping -A` sends them.
        case reply

        /// The packets of a round, in their order.
        public var operations: [ARPPacket.Operation] {
            switch self {
            case .requestAndReply: [.request, .reply]
            case .request: [.request]
            case .reply: [.reply]
            }
        }
    }

    /// The address that is announced.
    public let address: IPAddress

    /// The hardware address that it has now.
    public let hardware: LinkLayerAddress

    /// The hardware type of the device.
    public let hardwareType: UInt16

    /// Which packets a round has.
    public let style: Style

    /// Whether a request's target hardware address is all ones, as in old arping, instead of zero (RFC 5227).
    public let usesOnesAsTarget: Bool

    /// Describes an announcement.
    ///
    /// - Parameters:
    ///   - address: An IPv4 address.
    ///   - hardware: The hardware address that it has now.
    ///   - hardwareType: The hardware type of the device; everything but InfiniBand is Ethernet on the wire.
    ///   - style: Which packets a round has.
    ///   - usesOnesAsTarget: Whether a request's target hardware address is all ones.
    public init(
        address: IPAddress,
        hardware: LinkLayerAddress,
        hardwareType: UInt16 = ARPPacket.ethernet,
        style: Style = .requestAndReply,
        usesOnesAsTarget: Bool = false
    ) {
        self.address = address
        self.hardware = hardware
        self.hardwareType = hardwareType == ARPPacket.infiniband ? hardwareType : ARPPacket.ethernet
        self.style = style
        self.usesOnesAsTarget = usesOnesAsTarget
    }

    /// The packets of one round, in their order.
    public var packets: [ARPPacket] { style.operations.compactMap(packet) }

    /// One packet of a round; nil when the address is not IPv4.
    public func packet(_ operation: ARPPacket.Operation) -> ARPPacket? {
        ARPPacket(
            hardwareType: hardwareType,
            operation: operation,
            senderHardware: hardware,
            sender: address,
            targetHardware: operation == .reply ? hardware : filled(usesOnesAsTarget ? 0xff : 0),
            target: address
        )
    }

    private func filled(_ byte: UInt8) -> LinkLayerAddress {
        LinkLayerAddress(bytes: [UInt8](repeating: byte, count: hardware.bytes.count)) ?? hardware
    }
}
