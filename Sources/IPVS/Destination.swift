// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// A real server of a virtual service as it is configured (ipvsadm -a).
public struct Destination: Hashable, Sendable {
    /// What identifies a real server within its service.
    public struct Key: Hashable, Sendable, CustomStringConvertible {
        /// The server's address.
        public var address: IPAddress

        /// The server's port in host order; 0 keeps the packet's port (firewall-mark services).
        public var port: UInt16

        /// Names a server.
        public init(_ address: IPAddress, port: UInt16) {
            self.address = address
            self.port = port
        }

        /// `192.0.2.9:80`, IPv6 in brackets.
        public var description: String { "\(address.bracketed):\(port)" }
    }

    /// How packets reach the server (`IP_VS_CONN_F_…`).
    public enum ForwardingMethod: UInt32, Hashable, Sendable {
        /// Network address translation (ipvsadm -m).
        case masquerade = 0
        /// To a process on the director itself; the kernel's own choice, never configured.
        case local = 1
        /// In a tunnel (ipvsadm -i).
        case tunnel = 2
        /// Direct routing, by hardware address only (ipvsadm -g).
        case directRouting = 3
        /// Past the table to the original address (cache clusters).
        case bypass = 4
    }

    /// What packets are wrapped in with ``ForwardingMethod/tunnel``.
    public enum Encapsulation: Hashable, Sendable {
        /// IP in IP, no further options.
        case ipip
        /// Generic UDP encapsulation to a port (host order, not 0).
        case gue(port: UInt16, flags: UInt16)
        /// Generic routing encapsulation.
        case gre(flags: UInt16)
    }

    /// The identity.
    public var key: Key

    /// How packets reach the server.
    public var forwarding: ForwardingMethod

    /// Share of the connections, 0 to 2147483647; 0 quiesces: no new ones, existing ones go on.
    public var weight: Int

    /// No new connections above so many; 0 is no limit.
    public var upperThreshold: UInt32

    /// New connections again below so many; 0 is three quarters of the upper threshold.
    public var lowerThreshold: UInt32

    /// The tunnel's kind; without meaning for other forwarding methods.
    public var encapsulation: Encapsulation

    /// Describes a real server.
    public init(
        _ key: Key,
        forwarding: ForwardingMethod = .directRouting,
        weight: Int = 1,
        upperThreshold: UInt32 = 0,
        lowerThreshold: UInt32 = 0,
        encapsulation: Encapsulation = .ipip
    ) {
        self.key = key
        self.forwarding = forwarding
        self.weight = weight
        self.upperThreshold = upperThreshold
        self.lowerThreshold = lowerThreshold
        self.encapsulation = encapsulation
    }

    /// Whether both mean the same to the kernel.
    func isEquivalent(to other: Destination) -> Bool {
        var other = other
        if other.forwarding == .local {
            // Old kernels answer so for an address of the director's own, whatever they were told.
            other.forwarding = forwarding
            other.encapsulation = encapsulation
        }
        if forwarding != .tunnel {
            other.encapsulation = encapsulation
        }
        return self == other
    }
}
