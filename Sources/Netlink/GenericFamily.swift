// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc

/// A generic-netlink family as the kernel numbered it; the id may change when its module is loaded again.
public struct GenericFamily: Sendable, Equatable {
    /// The registered name.
    public let name: String

    /// The message type of its requests and answers.
    public let id: UInt16

    /// The version its requests are sent with.
    public let version: UInt8

    /// Names a family whose id is known.
    public init(name: String, id: UInt16, version: UInt8) {
        self.name = name
        self.id = id
        self.version = version
    }

    /// Asks the controller for a family by name, which makes the kernel load its module where an alias names it.
    ///
    /// - Parameters:
    ///   - name: The family, at most 15 bytes.
    ///   - version: The version of requests.
    ///   - socket: A connection of ``NetlinkSocket/Bus/generic``.
    /// - Throws: ``NetlinkError`` with ENOENT when there is no such family.
    public init(resolving name: String, version: UInt8, on socket: borrowing NetlinkSocket) throws(NetlinkError) {
        var attributes = AttributeWriter()
        attributes.put(UInt16(CTRL_ATTR_FAMILY_NAME), string: name)
        let controller = GenericFamily(name: "nlctrl", id: UInt16(GENL_ID_CTRL), version: 2)
        let request = controller.request(
            command: UInt8(CTRL_CMD_GETFAMILY),
            attributes: attributes,
            operation: "find the netlink family",
            subject: name
        )
        let answers = try socket.request(request)
        guard
            let id = answers.lazy.compactMap({ GenericAnswer($0)?.attributes[UInt16(CTRL_ATTR_FAMILY_ID)] }).first?
                .host(UInt16.self)
        else {
            throw NetlinkError(.malformedAnswer, request, code: EBADMSG, detail: "no family id")
        }
        self.init(name: name, id: id, version: version)
    }

    /// A request to this family.
    ///
    /// - Parameters:
    ///   - command: The family's command.
    ///   - attributes: What follows the generic header.
    ///   - operation: What is tried, for the error.
    ///   - subject: What it is tried on, for the error.
    /// - Returns: The request, for a socket of ``NetlinkSocket/Bus/generic``.
    public func request(
        command: UInt8,
        attributes: AttributeWriter = AttributeWriter(),
        operation: String,
        subject: String = ""
    ) -> NetlinkRequest {
        // struct genlmsghdr: command, version, 16 reserved bits.
        NetlinkRequest(
            type: id,
            payload: [command, version, 0, 0] + attributes.bytes,
            operation: operation,
            subject: subject
        )
    }
}

/// The generic header and the attributes of an answer.
public struct GenericAnswer: Sendable, Equatable {
    /// The answer's command.
    public let command: UInt8

    /// The first-level attributes.
    public let attributes: NetlinkAttributes

    /// Reads a message of a generic family; nil when it is too short for its header.
    public init?(_ message: NetlinkMessage) {
        guard message.payload.count >= 4, let command = message.payload.first else {
            return nil
        }
        self.command = command
        attributes = NetlinkAttributes(message.payload.dropFirst(4))
    }
}
