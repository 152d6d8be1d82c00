// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The IP protocol number of a virtual service; kernels with further protocol modules know more than the named ones.
public struct TransportProtocol: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number in the IP header (6 is TCP).
    public let rawValue: UInt16

    /// Wraps a protocol number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// TCP, number 6.
    public static let tcp = Self(rawValue: 6)
    /// UDP, number 17.
    public static let udp = Self(rawValue: 17)
    /// SCTP, number 132.
    public static let sctp = Self(rawValue: 132)

    /// The name in capitals, as ipvsadm writes it.
    public var description: String {
        switch self {
        case .tcp: "TCP"
        case .udp: "UDP"
        case .sctp: "SCTP"
        default: "protocol \(rawValue)"
        }
    }
}
