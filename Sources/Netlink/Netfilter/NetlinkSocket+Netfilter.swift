// SPDX-License-Identifier: Apache-2.0
import Glibc
public import LinuxKit

/// Packet filter tables, read only: changing them is the work of nft(8).
extension NetlinkSocket {
    /// The address family of a table.
    public enum FilterFamily: UInt8, Sendable {
        /// NFPROTO_IPV4.
        case ipv4 = 2
        /// NFPROTO_ARP.
        case arp = 3
        /// NFPROTO_IPV6.
        case ipv6 = 10

        /// The family of tables that see the packets of an address.
        public init(_ family: IPAddress.Family) { self = family == .ipv4 ? .ipv4 : .ipv6 }
    }

    /// The rules of a table (`nft -a list table`).
    ///
    /// The socket must be one of ``Bus/netfilter``.
    ///
    /// - Parameters:
    ///   - table: The table's name.
    ///   - family: The table's family.
    /// - Returns: All its rules, chain by chain; nil when there is no such table, or no nf_tables at all.
    /// - Throws: ``NetlinkError``, with `EPERM` for callers without CAP_NET_ADMIN.
    public func filterRules(of table: String, _ family: FilterFamily) throws(NetlinkError) -> [FilterRule]? {
        let header = [family.rawValue, 0, 0, 0]
        var writer = AttributeWriter(header: header)
        writer.put(1, string: table)
        let operation = "read packet filter table"
        do {
            try request(
                NetlinkRequest(
                    type: FilterRule.getTable,
                    payload: writer.bytes,
                    operation: operation,
                    subject: table
                )
            )
        } catch {
            // A kernel without nf_tables does not know the message.
            if [ENOENT, EINVAL, EOPNOTSUPP, EPROTONOSUPPORT].contains(error.code) {
                return nil
            }
            throw error
        }
        return try dump(
            NetlinkRequest(type: FilterRule.getRule, payload: writer.bytes, operation: operation, subject: table)
        ).compactMap(FilterRule.init)
    }
}
