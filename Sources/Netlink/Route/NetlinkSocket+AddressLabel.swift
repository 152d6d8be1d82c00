// SPDX-License-Identifier: Apache-2.0
import CNetlink
public import LinuxKit

/// Address labels, the policy by which the kernel chooses IPv6 source addresses (RFC 6724, `ip addrlabel`).
extension NetlinkSocket {
    /// The request that gives an IPv6 address a label of its own, so that it is no first choice as source address.
    ///
    /// - Parameters:
    ///   - label: The label; the kernel keeps 0xffffffff for itself.
    ///   - address: An IPv6 address.
    /// - Returns: The request, for ``batch(_:inFlight:)``; refused with `EEXIST` when the address has a label already.
    public static func addition(ofLabel label: UInt32, to address: IPAddress) -> NetlinkRequest {
        labelRequest(UInt16(RTM_NEWADDRLABEL), [.create, .exclusive], address, label)
    }

    /// The request that takes the label of an IPv6 address away.
    ///
    /// - Parameters:
    ///   - label: The label; the kernel looks at the address only, but wants to see one.
    ///   - address: An IPv6 address.
    /// - Returns: The request, for ``batch(_:inFlight:)``; refused with `ESRCH` when the address has none.
    public static func removal(ofLabel label: UInt32, from address: IPAddress) -> NetlinkRequest {
        labelRequest(UInt16(RTM_DELADDRLABEL), [], address, label)
    }

    /// The request for a change of a label (`struct ifaddrlblmsg`, linux/if_addrlabel.h).
    private static func labelRequest(
        _ type: UInt16,
        _ flags: NetlinkFlags,
        _ address: IPAddress,
        _ label: UInt32
    ) -> NetlinkRequest {
        var header = [UInt8](repeating: 0, count: 12)
        header[0] = UInt8(address.family.raw)
        header[2] = UInt8(address.bytes.count * 8)
        var writer = AttributeWriter(header: header)
        writer.put(UInt16(IFAL_ADDRESS), address: address)
        writer.putHost(UInt16(IFAL_LABEL), label)
        return NetlinkRequest(
            type: type,
            flags: flags,
            payload: writer.bytes,
            operation: type == UInt16(RTM_NEWADDRLABEL) ? "add address label" : "remove address label",
            subject: "\(label) of \(address)"
        )
    }
}
