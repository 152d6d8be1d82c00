// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Clients stay on their real server for a while (`persistent`, `netmask`).
public struct Persistence: Sendable, Hashable {
    /// Which clients count as one.
    public enum Granularity: Sendable, Hashable {
        /// IPv4 clients that agree under this mask; the mask need not be contiguous.
        case netmask(IPAddress)
        /// IPv6 clients that agree in this many leading bits, 1...128.
        case prefixLength(UInt8)

        /// Every client address counts for itself.
        public static func host(_ family: IPAddress.Family) -> Granularity {
            switch family {
            case .ipv4: .netmask(IPAddress(ipv4: .max))
            case .ipv6: .prefixLength(128)
            }
        }
    }

    /// How long a template lives after the last connection; whole seconds, never zero.
    public var timeout: Duration

    /// Which clients count as one.
    public var granularity: Granularity

    /// Joins a time-out and a granularity.
    public init(timeout: Duration, granularity: Granularity) {
        self.timeout = timeout
        self.granularity = granularity
    }
}
