// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
public import LinuxKit

/// A non-blocking subscription to the kernel's notifications, closed exactly once.
///
/// Wait for ``descriptor`` to become readable (epoll, level-triggered), then call ``receive()`` until it answers
/// ``Event/none``.
public struct NetlinkMonitor: ~Copyable {
    /// Multicast groups of NETLINK_ROUTE (`RTNLGRP_…`).
    public enum RouteGroup: CInt, Sendable {
        /// Interfaces come, go and change state (RTM_NEWLINK, RTM_DELLINK).
        case link = 1
        /// Neighbour entries change.
        case neighbour = 3
        /// IPv4 addresses come and go.
        case ipv4Address = 5
        /// IPv4 routes come and go.
        case ipv4Route = 7
        /// IPv6 addresses come, go and change their flags.
        case ipv6Address = 9
        /// IPv6 routes come and go.
        case ipv6Route = 11
    }

    /// What one receive brought.
    public enum Event: Sendable, Equatable {
        /// Notifications, in the kernel's order.
        case messages([NetlinkMessage])
        /// Notifications were lost (ENOBUFS): read the whole state again.
        case lost
        /// Nothing more for now.
        case none
    }

    private let handle: OpaquePointer

    /// Subscribes in the calling thread's network namespace.
    ///
    /// - Parameter groups: What to be told about.
    /// - Throws: ``NetlinkError`` when the socket or the membership is refused.
    public init(route groups: [RouteGroup]) throws(NetlinkError) {
        handle = try NetlinkSocket.open(.route, receiveTimeout: nil, groups: groups.map(\.rawValue))
    }

    deinit { nl_socket_free(handle) }

    /// The descriptor to poll for reading; valid as long as the monitor lives.
    public var descriptor: CInt { nl_socket_get_fd(handle) }

    /// Waits until there is something to receive.
    ///
    /// - Parameter deadline: When to give up.
    /// - Returns: Whether there is something.
    /// - Throws: ``NetlinkError`` when the socket failed.
    public func wait(until deadline: Deadline) throws(NetlinkError) -> Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        do {
            return try systemCall("poll") { poll(&poller, 1, deadline.pollMilliseconds) } > 0
        } catch {
            throw NetlinkError(kind: .socket, operation: "wait for netlink notifications", code: error.code)
        }
    }

    /// Takes the notifications of one datagram, without waiting.
    ///
    /// - Returns: What came; ``Event/lost`` also stands for a datagram that was not understood.
    /// - Throws: ``NetlinkError`` when the socket failed.
    public func receive() throws(NetlinkError) -> Event {
        switch NetlinkSocket.receive(descriptor) {
        case .messages(let messages): return .messages(messages)
        case .failed(EAGAIN): return .none
        case .failed(ENOBUFS), .malformed: return .lost
        case .failed(let code):
            throw NetlinkError(kind: .socket, operation: "read netlink notifications", code: code)
        }
    }
}
