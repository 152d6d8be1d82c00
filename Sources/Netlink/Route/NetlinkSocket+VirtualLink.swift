// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import LinuxKit

/// Interfaces that exist in the kernel only.
extension NetlinkSocket {
    /// Creates an interface without a wire (`ip link add NAME type KIND`).
    ///
    /// - Parameters:
    ///   - name: Its name, at most 15 bytes.
    ///   - kind: `dummy`, `bridge` and so on.
    /// - Throws: ``NetlinkError``, with `EEXIST` when the name is taken and `EOPNOTSUPP` when the kernel lacks the kind.
    public func createLink(_ name: String, kind: String) throws(NetlinkError) {
        var writer = AttributeWriter(header: [UInt8](repeating: 0, count: 16))
        writer.put(UInt16(IFLA_IFNAME), string: name)
        writer.nest(UInt16(IFLA_LINKINFO), flagged: false) { $0.put(UInt16(IFLA_INFO_KIND), string: kind) }
        try request(
            NetlinkRequest(
                type: UInt16(RTM_NEWLINK),
                flags: [.create, .exclusive],
                payload: writer.bytes,
                operation: "create interface",
                subject: name
            )
        )
    }

    /// Removes an interface (`ip link del`).
    ///
    /// - Throws: ``NetlinkError``, with `ENODEV` when it is gone and `EOPNOTSUPP` when it is hardware.
    public func removeLink(index: Int32, name: String) throws(NetlinkError) {
        var header = ByteWriter(reservingCapacity: 16)
        header.writeZeros(4)
        header.writeHost(index)
        header.writeZeros(8)
        try request(
            NetlinkRequest(
                type: UInt16(RTM_DELLINK),
                payload: header.bytes,
                operation: "remove interface",
                subject: name
            )
        )
    }
}
