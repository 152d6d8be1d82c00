// SPDX-License-Identifier: Apache-2.0

/// What is asked of the kernel, with words for the error if it refuses.
public struct NetlinkRequest: Sendable, Equatable {
    /// Message type: RTM_… or the id of a generic family.
    public var type: UInt16

    /// Flags beyond those that the kind of request brings (REQUEST, and ACK or DUMP).
    public var flags: NetlinkFlags

    /// Family header and attributes.
    public var payload: [UInt8]

    /// What is tried, for people: "add address".
    public var operation: String

    /// What it is tried on: "192.0.2.1/24 on eth0"; may be empty.
    public var subject: String

    /// Describes a request.
    public init(
        type: UInt16,
        flags: NetlinkFlags = [],
        payload: [UInt8],
        operation: String,
        subject: String = ""
    ) {
        self.type = type
        self.flags = flags
        self.payload = payload
        self.operation = operation
        self.subject = subject
    }

    /// The message to send.
    func message(flags extra: NetlinkFlags, sequence: UInt32) -> NetlinkMessage {
        NetlinkMessage(type: type, flags: flags.union(extra), sequence: sequence, payload: payload)
    }
}
