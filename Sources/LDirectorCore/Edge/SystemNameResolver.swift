// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
public import LDirectorConfig
public import LinuxKit
import Synchronization

/// Looks names up with the system's resolver and services database; blocking, so for loading a configuration only.
///
/// One is for one reading of a file: it asks for each name once, and when name servers are silent it waits for them once.
public final class SystemNameResolver: NameResolver {
    private struct Question: Hashable {
        let host: String
        let family: IPAddress.Family
    }

    private struct Memory {
        var answers: [Question: Result<IPAddress, NameResolutionError>] = [:]
        /// For which name the name servers were waited for in vain.
        var silentFor: String?
    }

    /// A failure after so long is the silence of name servers; those that answer do so faster.
    private static let patience = Duration.seconds(2)

    private let memory = Mutex(Memory())

    /// Uses the system's databases.
    public init() {}

    /// The first address that getaddrinfo(3) gives.
    ///
    /// - Throws: `NameResolutionError` with the resolver's words.
    public func address(
        of host: String,
        family: IPAddress.Family
    ) throws(NameResolutionError) -> IPAddress {
        let question = Question(host: host, family: family)
        let (known, silentFor) = memory.withLock { ($0.answers[question], $0.silentFor) }
        if let known {
            return try known.get()
        }
        if let silentFor {
            throw NameResolutionError(reason: "not asked, as no name server answered for '\(silentFor)'")
        }
        let start = SuspendingClock.now
        let result = Result { () throws(NameResolutionError) in try Self.lookUp(host, family) }
        let isSilent = SuspendingClock.now - start >= Self.patience
        memory.withLock {
            $0.answers[question] = result
            if case .failure = result, isSilent {
                $0.silentFor = host
            }
        }
        return try result.get()
    }

    private static func lookUp(_ host: String, _ family: IPAddress.Family) throws(NameResolutionError) -> IPAddress {
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
