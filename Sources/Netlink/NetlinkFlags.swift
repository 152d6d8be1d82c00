// SPDX-License-Identifier: Apache-2.0
import CNetlink

/// Flags of a netlink message header (netlink(7), `linux/netlink.h`); some bits mean different things per request.
public struct NetlinkFlags: OptionSet, Sendable, Hashable {
    /// The bits as they stand in the header.
    public let rawValue: UInt16

    /// Wraps header bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The message asks for something; every request carries it.
    public static let request = Self(NLM_F_REQUEST)
    /// One of several parts that end with NLMSG_DONE.
    public static let multi = Self(NLM_F_MULTI)
    /// Answer with an acknowledgement even on success.
    public static let acknowledge = Self(NLM_F_ACK)
    /// The dump was inconsistent because the table changed meanwhile.
    public static let dumpInterrupted = Self(NLM_F_DUMP_INTR)
    /// Answer with the whole table.
    public static let dump = Self(NLM_F_DUMP)
    /// NEW requests: replace what exists.
    public static let replace = Self(NLM_F_REPLACE)
    /// NEW requests: fail with EEXIST when it exists.
    public static let exclusive = Self(NLM_F_EXCL)
    /// NEW requests: create when it does not exist.
    public static let create = Self(NLM_F_CREATE)
    /// NEW requests: add to the end of a list.
    public static let append = Self(NLM_F_APPEND)
    /// Acknowledgements: the request's payload is left out.
    public static let capped = Self(NLM_F_CAPPED)
    /// Acknowledgements: extended attributes follow.
    public static let acknowledgeAttributes = Self(NLM_F_ACK_TLVS)

    private init(_ constant: CInt) { rawValue = UInt16(truncatingIfNeeded: constant) }
}
