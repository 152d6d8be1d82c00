// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

/// Tells announcements at once which addresses have gone: announcing one from here that has moved to another node would
/// take it back.
final class AddressWatch {
    /// How long an address may be away in which its primary one is deleted and it is added again.
    private static let patience = Duration.milliseconds(10)

    private let monitor: NetlinkMonitor
    private let announcements: AnnouncementSet

    /// Subscribes to the kernel's notifications and takes note of what is here now.
    ///
    /// - Throws: ``NetlinkError`` when the kernel cannot be asked.
    init(_ announcements: AnnouncementSet) throws(NetlinkError) {
        self.announcements = announcements
        monitor = try NetlinkMonitor(route: [.ipv4Address, .ipv6Address])
        try readAll()
    }

    /// Waits for a time.
    ///
    /// - Returns: Whether an address is left to announce; false comes at once, and also when the kernel cannot be asked.
    func pause(_ time: Duration) -> Bool {
        let deadline = Deadline(after: time)
        do throws(NetlinkError) {
            repeat {
                if try monitor.wait(until: deadline) {
                    try readNotifications()
                }
                if announcements.isSilent {
                    usleep(UInt32(Self.patience.milliseconds()) * 1000)
                    try readAll()
                    if announcements.isSilent {
                        return false
                    }
                }
            } while !deadline.hasPassed
            return true
        } catch {
            return false
        }
    }

    private func readNotifications() throws(NetlinkError) {
        while true {
            switch try monitor.receive() {
            case .none: return
            case .lost: try readAll()
            case .messages(let messages):
                for message in messages {
                    if let address = InterfaceAddress(message) {
                        let isHere = !InterfaceAddress.isRemoval(message)
                        announcements.note(address.address, on: address.interfaceIndex, isHere: isHere)
                    }
                }
            }
        }
    }

    private func readAll() throws(NetlinkError) {
        var here: [Int32: Set<IPAddress>] = [:]
        for address in try NetlinkSocket(.route).addresses() {
            here[address.interfaceIndex, default: []].insert(address.address)
        }
        announcements.note { address, index in here[index]?.contains(address) == true }
    }
}
