// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LinuxKit

/// Where checks come from: the kernel's choice, or a source address, or a network interface, or both.
public struct CheckOrigin: Hashable, Sendable {
    /// The source address; nil leaves it to the routes.
    public var address: IPAddress?

    /// The name of the network interface that packets have to use; nil leaves it to the routes.
    public var interface: String?

    /// Describes an origin; without arguments the kernel's choice.
    public init(address: IPAddress? = nil, interface: String? = nil) {
        self.address = address
        self.interface = interface
    }

    /// Binds a socket before it is connected.
    ///
    /// - Throws: ``SystemError`` of setsockopt(2) or bind(2).
    func apply(to descriptor: CInt, _ family: IPAddress.Family) throws(SystemError) {
        if let interface {
            let name = Array(interface.utf8)
            try systemCall(Self.device, interface) {
                setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.count))
            }
        }
        guard let address, address.family == family else {
            return
        }
        // The port is chosen at connect, when the other end is known: thousands of servers can share one.
        var on: CInt = 1
        _ = setsockopt(descriptor, CInt(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &on, socklen_t(MemoryLayout<CInt>.size))
        try SocketAddress(address, port: 0).withSockaddr { (pointer, length) throws(SystemError) in
            _ = try systemCall("bind", address.description) { bind(descriptor, pointer, length) }
        }
    }

    /// A sentence for an operator where it is the origin that failed and not the server; nil otherwise.
    func explains(_ error: SystemError) -> String? {
        switch error.operation {
        case "bind": "cannot check from \(error.subject): \(error.reason)"
        case Self.device: "cannot check by interface \(error.subject): \(error.reason)"
        default: nil
        }
    }

    private static let device = "SO_BINDTODEVICE"
}
