// SPDX-License-Identifier: Apache-2.0
public import Glibc

/// An IP address and a port, convertible to the kernel's `sockaddr`.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The IP address.
    public var address: IPAddress

    /// The port in host order.
    public var port: UInt16

    /// The scope of an IPv6 link-local address (an interface index); 0 when none.
    public var scope: UInt32

    /// Joins an address and a port.
    public init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = scope
    }

    /// `address:port`, IPv6 in brackets.
    public var description: String { "\(address.bracketed):\(port)" }

    /// Reads what accept(2), recvfrom(2) or getsockname(2) left; nil for other families.
    public init?(_ storage: sockaddr_storage) {
        switch CInt(storage.ss_family) {
        case AF_INET:
            let value = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in.self) }
            self.init(
                IPAddress(ipv4: UInt32(bigEndian: value.sin_addr.s_addr)),
                port: UInt16(bigEndian: value.sin_port)
            )
        case AF_INET6:
            let value = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in6.self) }
            guard let address = withUnsafeBytes(of: value.sin6_addr, { IPAddress(bytes: $0) }) else {
                return nil
            }
            self.init(address, port: UInt16(bigEndian: value.sin6_port), scope: value.sin6_scope_id)
        default:
            return nil
        }
    }

    /// Calls `body` with the kernel's form of the address.
    public func withSockaddr<Result, Failure: Error>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var storage = sockaddr_storage()
        let length: Int
        switch address.family {
        case .ipv4:
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = (address.ipv4Value ?? 0).bigEndian
            length = MemoryLayout<sockaddr_in>.size
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: value, as: sockaddr_in.self) }
        case .ipv6:
            var value = sockaddr_in6()
            value.sin6_family = sa_family_t(AF_INET6)
            value.sin6_port = port.bigEndian
            value.sin6_scope_id = scope
            withUnsafeMutableBytes(of: &value.sin6_addr) { $0.copyBytes(from: address.bytes) }
            length = MemoryLayout<sockaddr_in6>.size
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: value, as: sockaddr_in6.self) }
        }
        return try withUnsafePointer(to: &storage) { (pointer) throws(Failure) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { (pointer) throws(Failure) in
                try body(pointer, socklen_t(length))
            }
        }
    }
}
