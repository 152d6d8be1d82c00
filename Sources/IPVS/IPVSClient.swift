// SPDX-License-Identifier: Apache-2.0
import Glibc
import Netlink

/// The kernel's virtual server table of one network namespace, over generic netlink; blocking, needs CAP_NET_ADMIN.
///
/// There are no events in this family: whoever wants to know of changes reads the table again.
///
/// `@unchecked Sendable`: every use of the socket is in a mutating method, which needs exclusive access, so two threads
/// never use it at once.
public struct IPVSClient: ~Copyable, @unchecked Sendable {
    let socket: NetlinkSocket
    private(set) var requests: IPVSRequests
    var lastDaemonStart: ContinuousClock.Instant?
    var tunnels = TunnelSupport.unknown

    /// Longest wait for one answer; a change takes microseconds, a scheduler's module may have to be loaded first.
    static let timeout: Duration = .seconds(5)
    private static let dumpAttempts = 4

    /// Connects in the calling thread's network namespace; the kernel loads ip_vs if it can.
    ///
    /// - Throws: ``IPVSError`` with ``IPVSError/Code/unavailable`` when the kernel has no IPVS.
    public init() throws(IPVSError) {
        do {
            let socket = try NetlinkSocket(.generic, receiveTimeout: Self.timeout)
            requests = IPVSRequests(family: try Self.resolve(on: socket))
            self.socket = socket
        } catch {
            throw .unavailable(error)
        }
    }

    private static func resolve(on socket: borrowing NetlinkSocket) throws(NetlinkError) -> GenericFamily {
        try GenericFamily(resolving: IPVSRequests.familyName, version: IPVSRequests.familyVersion, on: socket)
    }

    /// Reads version and table size.
    ///
    /// - Returns: What the kernel says.
    /// - Throws: ``IPVSError``.
    public mutating func information() throws(IPVSError) -> IPVSInformation {
        try one(requests.getInformation(), IPVSAnswers.information)
    }

    /// Reads the connection timeouts.
    ///
    /// - Returns: The timeouts.
    /// - Throws: ``IPVSError``.
    public mutating func timeouts() throws(IPVSError) -> ConnectionTimeouts {
        try one(requests.getTimeouts(), IPVSAnswers.timeouts)
    }

    /// Sets connection timeouts (ipvsadm --set); zeros leave a value as it is.
    ///
    /// - Parameter timeouts: The new values.
    /// - Throws: ``IPVSError``.
    public mutating func setTimeouts(_ timeouts: ConnectionTimeouts) throws(IPVSError) {
        _ = try perform(requests.setTimeouts(timeouts), .general)
    }

    // Transport, for the extensions of this type.

    mutating func setReceiveTimeout(_ timeout: Duration) throws(IPVSError) {
        do {
            try socket.setReceiveTimeout(timeout)
        } catch {
            throw IPVSError(error, .general)
        }
    }

    /// Sends one request; after a reload of the module once more with the new family id.
    mutating func perform(
        _ request: NetlinkRequest,
        _ target: IPVSError.Target
    ) throws(IPVSError) -> [NetlinkMessage] {
        var request = request
        do {
            return try socket.request(request)
        } catch {
            guard error.code == ENOENT || error.code == EOPNOTSUPP, try familyChanged() else {
                throw IPVSError(error, target)
            }
        }
        request.type = requests.family.id
        do {
            return try socket.request(request)
        } catch {
            throw IPVSError(error, target)
        }
    }

    mutating func one<Value>(
        _ request: NetlinkRequest,
        _ decode: (NetlinkMessage) -> Value?
    ) throws(IPVSError) -> Value {
        for message in try perform(request, .general) {
            if let value = decode(message) {
                return value
            }
        }
        throw IPVSError(.other, operation: request.operation, underlying: EBADMSG, explanation: "answer not understood")
    }

    /// Reads a table until no entry is repeated, which is the sign that it changed meanwhile; duplicates are dropped.
    mutating func uniqueDump<Value, Key: Hashable>(
        _ request: NetlinkRequest,
        _ target: IPVSError.Target,
        _ decode: (NetlinkMessage) -> Value?,
        by key: (Value) -> Key
    ) throws(IPVSError) -> [Value] {
        var request = request
        var unique: [Value] = []
        for attempt in 1...Self.dumpAttempts {
            let messages: [NetlinkMessage]
            do {
                messages = try socket.dump(request)
            } catch {
                guard attempt == 1, error.code == ENOENT || error.code == EOPNOTSUPP, try familyChanged() else {
                    throw IPVSError(error, target)
                }
                request.type = requests.family.id
                continue
            }
            var seen: Set<Key> = []
            let decoded = messages.compactMap(decode)
            unique = decoded.filter { seen.insert(key($0)).inserted }
            if unique.count == decoded.count {
                break
            }
        }
        return unique
    }

    /// Resolves the family again; true when its id is another one now.
    mutating func familyChanged() throws(IPVSError) -> Bool {
        let family: GenericFamily
        do {
            family = try Self.resolve(on: socket)
        } catch {
            throw .unavailable(error)
        }
        defer { requests = IPVSRequests(family: family) }
        return family.id != requests.family.id
    }
}
