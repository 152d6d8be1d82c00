// SPDX-License-Identifier: Apache-2.0
import CCorosync
import Glibc

/// Membership of one closed process group (cpg_overview(3)): messages of all members arrive everywhere in one order.
///
/// A connection belongs to the one thread that made it, and that thread needs a stack of 8 MiB: ``CorosyncThread``.
public struct ProcessGroup: ~Copyable {
    /// A member: a process of a node.
    public struct Member: Hashable, Sendable {
        /// Corosync's number of the node.
        public let node: UInt32

        /// The process, in its own PID namespace.
        public let pid: UInt32
    }

    /// What a dispatch delivered.
    public enum Event: Sendable {
        /// A message of a member, ours included.
        case message(sender: Member, bytes: [UInt8])

        /// The group's members changed.
        case members([Member], left: [Member], joined: [Member])

        /// The ring of nodes was formed anew, perhaps of the same nodes.
        case ring([UInt32])
    }

    /// Largest message that ``multicast(_:)`` takes, in bytes: what travels without blocking calls inside the library.
    public static let largestMessage = 8192

    private static let largestTurn = 512

    private let handle: cpg_handle_t
    private let inbox: Unmanaged<Inbox>

    /// Connects to the local Corosync; no group is joined yet.
    ///
    /// - Throws: ``CorosyncError``; `.disconnected` when no Corosync runs.
    public init() throws(CorosyncError) {
        var model = cpg_model_v1_data_t()
        model.model = CPG_MODEL_V1
        model.flags = UInt32(CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF)
        model.cpg_deliver_fn = { handle, _, node, pid, bytes, length in
            let sender = Member(node: node, pid: pid)
            let message = UnsafeRawBufferPointer(start: bytes, count: length)
            Inbox.of(handle)?.events.append(.message(sender: sender, bytes: Array(message)))
        }
        model.cpg_confchg_fn = { handle, _, members, memberCount, left, leftCount, joined, joinedCount in
            let list = { (start: UnsafePointer<cpg_address>?, count: Int) in
                UnsafeBufferPointer(start: start, count: start == nil ? 0 : count).map {
                    Member(node: $0.nodeid, pid: $0.pid)
                }
            }
            let event = Event.members(
                list(members, memberCount),
                left: list(left, leftCount),
                joined: list(joined, joinedCount)
            )
            Inbox.of(handle)?.events.append(event)
        }
        model.cpg_totem_confchg_fn = { handle, _, count, nodes in
            let ring = Array(UnsafeBufferPointer(start: nodes, count: nodes == nil ? 0 : Int(count)))
            Inbox.of(handle)?.events.append(.ring(ring))
        }
        let inbox = Unmanaged.passRetained(Inbox())
        var handle: cpg_handle_t = 0
        let result = withUnsafeMutablePointer(to: &model) {
            $0.withMemoryRebound(to: cpg_model_data_t.self, capacity: 1) {
                cpg_model_initialize(&handle, CPG_MODEL_V1, $0, inbox.toOpaque())
            }
        }
        guard result == CS_OK else {
            inbox.release()
            throw CorosyncError("cpg_model_initialize", result)
        }
        self.handle = handle
        self.inbox = inbox
    }

    deinit {
        // After the loss of Corosync this fails, and the library has freed the handle already.
        _ = cpg_finalize(handle)
        inbox.release()
    }

    /// Joins a group; the change of members that follows is the confirmation.
    public borrowing func join(_ name: String) throws(CorosyncError) {
        var group = cpg_name()
        let bytes = Array(name.utf8.prefix(Int(CPG_MAX_NAME_LENGTH)))
        group.length = UInt32(bytes.count)
        withUnsafeMutableBytes(of: &group.value) { $0.copyBytes(from: bytes) }
        try check("cpg_join", cpg_join(handle, &group))
    }

    /// Our own node's number.
    public borrowing func localNode() throws(CorosyncError) -> UInt32 {
        var node: UInt32 = 0
        try check("cpg_local_get", cpg_local_get(handle, &node))
        return node
    }

    /// The descriptor that becomes readable when there is something to dispatch; it must not be closed.
    public borrowing func descriptor() throws(CorosyncError) -> CInt {
        var descriptor: CInt = -1
        try check("cpg_fd_get", cpg_fd_get(handle, &descriptor))
        return descriptor
    }

    /// Takes what has arrived, at most ``largestTurn`` events; the descriptor stays readable while there are more.
    ///
    /// - Throws: ``CorosyncError``; events that came before the failure are lost with the connection.
    public borrowing func dispatch() throws(CorosyncError) -> [Event] {
        let inbox = inbox.takeUnretainedValue()
        defer { inbox.events.removeAll(keepingCapacity: true) }
        // Not CS_DISPATCH_ALL, which goes on as long as a flood does.
        for _ in 0..<Self.largestTurn {
            let result = cpg_dispatch(handle, CS_DISPATCH_ONE_NONBLOCKING)
            if result == CS_ERR_TRY_AGAIN {
                break
            }
            guard result == CS_OK else {
                throw CorosyncError("cpg_dispatch", result)
            }
        }
        return inbox.events
    }

    /// Queues a message for every member, in the order agreed by all; "sent" is only known when it comes back.
    ///
    /// - Precondition: At most ``largestMessage`` bytes.
    public borrowing func multicast(_ message: [UInt8]) throws(CorosyncError) {
        precondition(message.count <= Self.largestMessage, "the message would block inside libcpg")
        let result = message.withUnsafeBytes { bytes in
            var vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return cpg_mcast_joined(handle, CPG_TYPE_AGREED, &vector, 1)
        }
        try check("cpg_mcast_joined", result)
    }
}

/// Where the C callbacks, which must neither throw nor call back, leave what they got.
private final class Inbox {
    var events: [ProcessGroup.Event] = []

    /// The inbox that belongs to a handle; nil only when the handle is not ours.
    static func of(_ handle: cpg_handle_t) -> Inbox? {
        var context: UnsafeMutableRawPointer?
        guard cpg_context_get(handle, &context) == CS_OK, let context else {
            return nil
        }
        return Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue()
    }
}
