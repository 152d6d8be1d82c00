// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc

/// What a message means for the request that it answers.
enum NetlinkAnswer: Equatable {
    /// Part of the answer.
    case data(NetlinkMessage)
    /// The end: success, or the kernel's errno (positive) with its words.
    case end(code: CInt, detail: String)
    /// NLMSG_NOOP and unknown control messages.
    case nothing
    /// A control message that is too short.
    case malformed

    init(_ message: NetlinkMessage) {
        switch CInt(message.type) {
        case NLMSG_ERROR:
            guard let status = message.payload.hostInteger(CInt.self) else {
                self = .malformed
                return
            }
            self = .end(code: Self.code(status), detail: Self.detail(ofError: message))
        case NLMSG_DONE:
            // Without a payload it is a plain end; otherwise the dump's status.
            let status = message.payload.hostInteger(CInt.self) ?? 0
            let attributes = message.flags.contains(.acknowledgeAttributes) ? message.payload.dropFirst(4) : []
            self = .end(code: Self.code(status), detail: Self.detail(attributes))
        case 0..<CInt(NLMSG_MIN_TYPE):
            self = .nothing
        default:
            self = .data(message)
        }
    }

    /// Positive errno of a status; counts of entries, which some dumps answer, are no failure.
    private static func code(_ status: CInt) -> CInt {
        status < 0 && status > CInt.min ? -status : 0
    }

    /// After the status comes the request's header, with its payload unless that was capped, then attributes.
    private static func detail(ofError message: NetlinkMessage) -> String {
        guard message.flags.contains(.acknowledgeAttributes) else {
            return ""
        }
        let original = message.payload.dropFirst(4)
        let length =
            message.flags.contains(.capped)
            ? NetlinkMessage.headerLength : Int(original.hostInteger(UInt32.self) ?? 0)
        return detail(original.dropFirst((length + 3) & ~3))
    }

    private static func detail(_ attributes: ArraySlice<UInt8>) -> String {
        NetlinkAttributes(attributes)[UInt16(NLMSGERR_ATTR_MSG.rawValue)]?.string ?? ""
    }
}
