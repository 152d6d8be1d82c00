// SPDX-License-Identifier: Apache-2.0
import Netlink

/// Tells when to look at the interfaces again; what the notifications say does not matter, so none can be missed.
final class LinkWatch {
    private let monitor: NetlinkMonitor

    init() throws(NetlinkError) {
        monitor = try NetlinkMonitor(route: [.link, .ipv4Address, .ipv6Address])
    }

    /// Readable when something has changed.
    var descriptor: CInt { monitor.descriptor }

    /// Takes all notifications; a failed or overrun socket means the same as a notification.
    func drain() {
        while let event = try? monitor.receive(), event != .none {}
    }
}
