// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LDirectorConfig
public import LinuxKit

/// Looks names up with the system's resolver and services database; blocking, so for loading a configuration only.
public struct SystemNameResolver: NameResolver {
    /// Uses the system's databases.
    public init() {}

    /// The first address that getaddrinfo(3) gives.
    ///
    /// - Throws: `NameResolutionError` with the resolver's words.
    public func address(
        of host: String,
        family: IPAddress.Family
    ) throws(NameResolutionError) -> IPAddress {
        var hints = addrinfo()
        hints.ai_family = family.raw
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer {
            if let list {
                freeaddrinfo(list)
            }
        }
        guard status == 0, let entry = list?.pointee, let raw = entry.ai_addr else {
            throw NameResolutionError(reason: String(cString: gai_strerror(status)))
        }
        var storage = sockaddr_storage()
        let length = min(Int(entry.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: length))
        }
        guard let found = SocketAddress(storage) else {
            throw NameResolutionError(reason: "no address of this family")
        }
        return found.address
    }

    /// The port that getservbyname(3) gives.
    public func port(of service: String, transport: TransportProtocol) -> UInt16? {
        guard let entry = getservbyname(service, transport.rawValue) else {
            return nil
        }
        return UInt16(bigEndian: UInt16(truncatingIfNeeded: entry.pointee.s_port))
    }
}
