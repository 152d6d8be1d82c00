// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import LinuxKit

/// One blocking netlink connection to the kernel, closed exactly once; it belongs to one thread at a time.
///
/// The network namespace of the creating thread at the moment of creation is the one that is managed. Answers are
/// matched by sequence number, so a late answer to a request that was given up is dropped.
public struct NetlinkSocket: ~Copyable {
    /// The protocol families that are used here.
    public enum Bus: CInt, Sendable {
        /// NETLINK_ROUTE: links, addresses, routes, neighbours.
        case route = 0
        /// NETLINK_NETFILTER: packet filter tables.
        case netfilter = 12
        /// NETLINK_GENERIC: families resolved by name, such as IPVS.
        case generic = 16
    }

    private static let batchBytes = 32 * 1024
    private static let dumpAttempts = 5

    private let handle: OpaquePointer

    /// Connects to the kernel.
    ///
    /// - Parameters:
    ///   - bus: Which part of the kernel.
    ///   - receiveTimeout: How long one receive waits for an answer.
    /// - Throws: ``NetlinkError`` when the socket cannot be made.
    public init(_ bus: Bus, receiveTimeout: Duration = .seconds(5)) throws(NetlinkError) {
        handle = try Self.open(bus, receiveTimeout: receiveTimeout)
    }

    deinit { nl_socket_free(handle) }

    private var raw: CInt { nl_socket_get_fd(handle) }

    /// Changes how long one receive waits for an answer.
    ///
    /// - Parameter timeout: At least a microsecond.
    /// - Throws: ``NetlinkError`` when it is refused.
    public func setReceiveTimeout(_ timeout: Duration) throws(NetlinkError) {
        do {
            try Self.setReceiveTimeout(raw, timeout)
        } catch {
            throw NetlinkError(kind: .socket, operation: error.operation, code: error.code)
        }
    }

    private static func setReceiveTimeout(_ descriptor: CInt, _ timeout: Duration) throws(SystemError) {
        let parts = timeout.components
        // Zero would mean "wait for ever".
        let value = timeval(
            tv_sec: time_t(parts.seconds),
            tv_usec: max(parts.seconds > 0 ? 0 : 1, suseconds_t(parts.attoseconds / 1_000_000_000_000))
        )
        try systemCall("set the receive timeout of netlink") {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, [value], socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// Opens and configures a socket; the caller frees it.
    ///
    /// - Parameters:
    ///   - bus: Which part of the kernel.
    ///   - receiveTimeout: How long a receive waits; nil makes the socket non-blocking.
    ///   - groups: Multicast groups to join.
    /// - Returns: The connected libnl socket.
    /// - Throws: ``NetlinkError`` naming the step that failed.
    static func open(
        _ bus: Bus,
        receiveTimeout: Duration?,
        groups: [CInt] = []
    ) throws(NetlinkError) -> OpaquePointer {
        guard let handle = nl_socket_alloc() else {
            throw NetlinkError(kind: .socket, operation: "allocate a netlink socket", code: ENOMEM)
        }
        do {
            try configure(handle, bus, receiveTimeout, groups)
        } catch {
            nl_socket_free(handle)
            throw NetlinkError(kind: .socket, operation: error.operation, subject: "\(bus)", code: error.code)
        }
        return handle
    }

    private static func configure(
        _ handle: OpaquePointer,
        _ bus: Bus,
        _ receiveTimeout: Duration?,
        _ groups: [CInt]
    ) throws(SystemError) {
        // libnl chooses the port and sets close-on-exec. Its own codes fold errnos together, so errno is what counts.
        try systemCall("connect to netlink") { nl_connect(handle, bus.rawValue) == 0 ? 0 : -1 }
        let descriptor = nl_socket_get_fd(handle)
        func set(_ level: CInt, _ option: CInt, _ value: CInt) -> CInt {
            setsockopt(descriptor, level, option, [value], socklen_t(MemoryLayout<CInt>.size))
        }
        // None of these is needed to work: a smaller buffer and terser errors are the worst that happens.
        if set(SOL_SOCKET, SO_RCVBUFFORCE, 2 * 1024 * 1024) != 0 {
            _ = set(SOL_SOCKET, SO_RCVBUF, 2 * 1024 * 1024)
        }
        _ = set(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        _ = set(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        if bus == .route {
            // Filters of dumps count.
            _ = set(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        }
        if let receiveTimeout {
            try setReceiveTimeout(descriptor, receiveTimeout)
        } else {
            try systemCall("make non-blocking netlink") { nl_socket_set_nonblocking(handle) == 0 ? 0 : -1 }
        }
        for group in groups {
            try systemCall("join group \(group) of netlink") { set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group) }
        }
    }

    /// Sends one request and waits for its acknowledgement.
    ///
    /// - Parameter request: What to do or get.
    /// - Returns: The answers that came before the acknowledgement; none for a plain change.
    /// - Throws: ``NetlinkError`` with the kernel's errno, or why no answer was understood.
    @discardableResult
    public func request(_ request: NetlinkRequest) throws(NetlinkError) -> [NetlinkMessage] {
        let sequence = nl_socket_use_seq(handle)
        try send([request.message(flags: [.request, .acknowledge], sequence: sequence)], for: request)
        return try collect(sequence, for: request) { $0 }.entries
    }

    /// Asks for a whole table and waits for its end.
    ///
    /// A table that changes while it is read is read again when the kernel says so (NLM_F_DUMP_INTR).
    ///
    /// - Parameter request: What to get.
    /// - Returns: The entries; never a part of them.
    /// - Throws: ``NetlinkError``; also for an error that comes in the middle.
    public func dump(_ request: NetlinkRequest) throws(NetlinkError) -> [NetlinkMessage] {
        try dump(request) { $0 }
    }

    /// The same, with each entry decoded as it comes, so that a large table is not held twice.
    ///
    /// - Parameters:
    ///   - request: What to get.
    ///   - decode: Reads an entry; nil leaves it out.
    /// - Returns: The entries; never a part of them.
    /// - Throws: ``NetlinkError``; also for an error that comes in the middle.
    public func dump<Entry>(
        _ request: NetlinkRequest,
        _ decode: (NetlinkMessage) -> Entry?
    ) throws(NetlinkError) -> [Entry] {
        for _ in 0..<Self.dumpAttempts {
            let sequence = nl_socket_use_seq(handle)
            try send([request.message(flags: [.request, .dump], sequence: sequence)], for: request)
            let answer = try collect(sequence, for: request, decode)
            if !answer.interrupted {
                return answer.entries
            }
        }
        throw NetlinkError(.inconsistentDump, request, code: EINTR)
    }

    /// Sends many requests, several in one datagram; they are carried out in order, and a refused one stops no other.
    ///
    /// The kernel always answers a refusal; of the others only the last of a datagram asks for an acknowledgement.
    ///
    /// - Parameters:
    ///   - requests: Changes; answers with data are dropped.
    ///   - inFlight: How many go into one datagram, so that as many refusals fit into the receive buffer.
    /// - Returns: For each request nil, or why it was refused.
    /// - Throws: ``NetlinkError`` when the connection failed; which requests were carried out is then not known.
    public func batch(_ requests: [NetlinkRequest], inFlight: Int = 256) throws(NetlinkError) -> [NetlinkError?] {
        var results: [NetlinkError?] = []
        results.reserveCapacity(requests.count)
        while results.count < requests.count {
            var messages: [NetlinkMessage] = []
            var size = 0
            for request in requests[results.count...].prefix(max(1, inFlight)) {
                let length = NetlinkMessage.headerLength + request.payload.count
                if !messages.isEmpty, size + length > Self.batchBytes {
                    break
                }
                size += length
                messages.append(request.message(flags: .request, sequence: nl_socket_use_seq(handle)))
            }
            messages[messages.count - 1].flags.insert(.acknowledge)
            let first = results.count
            try send(messages, for: requests[first])
            results += try refusals(of: messages, requests[first..<first + messages.count])
        }
        return results
    }

    /// Waits for the end of the last message; answers with data are dropped.
    private func refusals(
        of messages: [NetlinkMessage],
        _ requests: ArraySlice<NetlinkRequest>
    ) throws(NetlinkError) -> [NetlinkError?] {
        var results = [NetlinkError?](repeating: nil, count: messages.count)
        while true {
            // The last one names the wait, should it fail.
            for message in try receive(for: requests[requests.endIndex - 1]) {
                let offset = Int(message.sequence &- messages[0].sequence)
                guard offset < messages.count, case .end(let code, let detail) = NetlinkAnswer(message) else {
                    continue
                }
                if code != 0 {
                    let request = requests[requests.startIndex + offset]
                    results[offset] = NetlinkError(.refused, request, code: code, detail: detail)
                }
                if offset == messages.count - 1 {
                    return results
                }
            }
        }
    }

    /// Gathers the answers to one request up to its acknowledgement or the end of its dump.
    func collect<Entry>(
        _ sequence: UInt32,
        for request: NetlinkRequest,
        _ decode: (NetlinkMessage) -> Entry?
    ) throws(NetlinkError) -> (entries: [Entry], interrupted: Bool) {
        var entries: [Entry] = []
        var interrupted = false
        while true {
            for message in try receive(for: request) where message.sequence == sequence {
                interrupted = interrupted || message.flags.contains(.dumpInterrupted)
                switch NetlinkAnswer(message) {
                case .data(let message):
                    if let entry = decode(message) {
                        entries.append(entry)
                    }
                case .end(0, _): return (entries, interrupted)
                case .end(let code, let detail):
                    throw NetlinkError(.refused, request, code: code, detail: detail)
                case .nothing: break
                case .malformed: throw NetlinkError(.malformedAnswer, request, code: EBADMSG, detail: "short status")
                }
            }
        }
    }

    private func receive(for request: NetlinkRequest) throws(NetlinkError) -> [NetlinkMessage] {
        switch Self.receive(raw) {
        case .messages(let messages): return messages
        case .failed(EAGAIN): throw NetlinkError(.noAnswer, request, code: ETIMEDOUT)
        case .failed(let code): throw NetlinkError(.socket, request, code: code)
        case .malformed(let detail): throw NetlinkError(.malformedAnswer, request, code: EBADMSG, detail: detail)
        }
    }

    private func send(_ messages: [NetlinkMessage], for request: NetlinkRequest) throws(NetlinkError) {
        var writer = ByteWriter()
        for message in messages {
            message.encode(into: &writer)
        }
        do {
            try systemCall("send") { Glibc.send(raw, writer.bytes, writer.bytes.count, 0) }
        } catch {
            throw NetlinkError(.socket, request, code: error.code)
        }
    }
}
