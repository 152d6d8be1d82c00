// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Netlink

extension NetworkLink {
    /// What a sender needs to know; nil when the link has no neighbours to tell.
    ///
    /// - Parameter family: Only for IPv6 it is read whether the link forwards.
    /// - Returns: The device.
    func announcingDevice(_ family: IPAddress.Family) -> AnnouncingDevice? {
        guard !name.hasPrefix("lo"), !isLoopback, !isWithoutARP, let address, address.bytes.contains(where: { $0 != 0 })
        else {
            return nil
        }
        return AnnouncingDevice(
            index: index,
            name: name,
            hardware: address,
            broadcast: broadcast,
            hardwareType: hardwareType,
            isRouter: family == .ipv6 && SystemControl.isEnabled("net/ipv6/conf/\(name)/forwarding")
        )
    }
}

/// Switches under `/proc/sys`, of the calling thread's network namespace.
enum SystemControl {
    /// Whether a switch exists and is not 0.
    static func isEnabled(_ name: String) -> Bool {
        guard let text = try? TextFile.read("/proc/sys/\(name)", limit: 64) else {
            return false
        }
        return text.utf8.contains { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
    }
}
