// SPDX-License-Identifier: Apache-2.0

/// One rule of an nftables chain, as far as a program that only looks for its own rules needs to know it.
public struct FilterRule: Sendable, Equatable {
    /// The chain's name.
    public let chain: String

    /// The number by which the kernel knows the rule within its table.
    public let handle: UInt64

    /// The comment that nft(8) keeps with the rule; empty when it has none.
    public let comment: String

    /// Makes a rule from its parts.
    public init(chain: String, handle: UInt64, comment: String) {
        self.chain = chain
        self.handle = handle
        self.comment = comment
    }

    /// Reads an answer to NFT_MSG_GETRULE; nil for anything that is no rule (linux/netfilter/nf_tables.h).
    init?(_ message: NetlinkMessage) {
        let attributes = NetlinkAttributes(message.payload.dropFirst(Self.headerLength))
        guard message.type == Self.newRule, let chain = attributes[2]?.string,
            let handle = attributes[3]?.bigEndian(UInt64.self)
        else {
            return nil
        }
        self.init(chain: chain, handle: handle, comment: Self.comment(attributes[7]?.payload ?? []))
    }

    /// `struct nfgenmsg`: family, version and a resource number.
    static let headerLength = 4
    static let newRule = subsystem | 6
    static let getRule = subsystem | 7
    static let getTable = subsystem | 1
    /// NFNL_SUBSYS_NFTABLES is the upper byte of a message type.
    private static let subsystem: UInt16 = 10 << 8

    /// The comment in a rule's user data, which the kernel keeps unread: a type, a length and a value, one after another.
    ///
    /// nft(8) and its libraries put the comment there as type 0, with a terminating NUL.
    private static func comment(_ data: ArraySlice<UInt8>) -> String {
        var rest = data
        while let type = rest.first, let length = rest.dropFirst().first {
            let value = rest.dropFirst(2).prefix(Int(length))
            if type == 0 {
                return String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
            }
            rest = rest.dropFirst(2 + Int(length))
        }
        return ""
    }
}
