// SPDX-License-Identifier: Apache-2.0
import CCorosync

/// Asks Corosync which links to a node its transport uses (libcfg); every call waits for Corosync without a limit.
public struct LinkStatusClient: ~Copyable {
    /// One link to a node as knet sees it; the number of the link is the position in the list.
    public struct Link: Equatable, Sendable {
        /// Configured and switched on.
        public let isEnabled: Bool

        /// Pings are answered: a cut in either direction ends it.
        public let isConnected: Bool
    }

    /// A node as knet sees it.
    public struct NodeStatus: Equatable, Sendable {
        /// At least one link works.
        public let isReachable: Bool

        /// The links by number; not every one is configured.
        public let links: [Link]
    }

    private let handle: corosync_cfg_handle_t
    private let buffer: UnsafeMutablePointer<corosync_cfg_node_status_v1>

    /// Connects to the local Corosync.
    public init() throws(CorosyncError) {
        var handle: corosync_cfg_handle_t = 0
        try check("corosync_cfg_initialize", corosync_cfg_initialize(&handle, nil))
        self.handle = handle
        // 4 KiB: kept on the heap, the C arrays in it are large tuples to Swift.
        buffer = .allocate(capacity: 1)
        buffer.initialize(to: corosync_cfg_node_status_v1())
    }

    deinit {
        // After the loss of Corosync this fails, and there is nothing left to free.
        _ = corosync_cfg_finalize(handle)
        buffer.deallocate()
    }

    /// The links to `node`.
    public borrowing func status(of node: UInt32) throws(CorosyncError) -> NodeStatus {
        let result = corosync_cfg_node_status_get(handle, node, CFG_NODE_STATUS_V1, buffer)
        try check("corosync_cfg_node_status_get", result)
        let links = withUnsafeBytes(of: &buffer.pointee.link_status) { bytes in
            bytes.bindMemory(to: corosync_knet_link_status_v1.self).map {
                Link(isEnabled: $0.enabled != 0, isConnected: $0.connected != 0)
            }
        }
        return NodeStatus(isReachable: buffer.pointee.reachable != 0, links: links)
    }
}
