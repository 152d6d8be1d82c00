// SPDX-License-Identifier: Apache-2.0
import CNetlink
import LinuxKit
import Netlink

extension AttributeWriter {
    /// A daemon to start, to be put into its nest; what is nil is left to the kernel.
    mutating func put(_ daemon: SyncDaemon) {
        putHost(UInt16(IPVS_DAEMON_ATTR_STATE), daemon.role.rawValue)
        put(UInt16(IPVS_DAEMON_ATTR_MCAST_IFN), string: daemon.interface)
        putHost(UInt16(IPVS_DAEMON_ATTR_SYNC_ID), daemon.syncID)
        if let length = daemon.maximumLength {
            putHost(UInt16(IPVS_DAEMON_ATTR_SYNC_MAXLEN), length)
        }
        if let group = daemon.group {
            let type = group.family == .ipv4 ? IPVS_DAEMON_ATTR_MCAST_GROUP : IPVS_DAEMON_ATTR_MCAST_GROUP6
            put(UInt16(type), address: group)
        }
        if let port = daemon.port {
            // Host order, unlike every other port of this family.
            putHost(UInt16(IPVS_DAEMON_ATTR_MCAST_PORT), port)
        }
        if let timeToLive = daemon.timeToLive {
            putHost(UInt16(IPVS_DAEMON_ATTR_MCAST_TTL), timeToLive)
        }
    }
}

extension SyncDaemon {
    /// Reads a daemon's nest; nil when role, interface or id is missing.
    init?(_ nest: NetlinkAttributes) {
        guard
            let role = nest[UInt16(IPVS_DAEMON_ATTR_STATE)]?.host(UInt32.self).flatMap(Role.init),
            let interface = nest[UInt16(IPVS_DAEMON_ATTR_MCAST_IFN)]?.string,
            let syncID = nest[UInt16(IPVS_DAEMON_ATTR_SYNC_ID)]?.host(UInt32.self)
        else {
            return nil
        }
        self.init(
            role,
            interface: interface,
            syncID: syncID,
            maximumLength: nest[UInt16(IPVS_DAEMON_ATTR_SYNC_MAXLEN)]?.host(),
            group: (nest[UInt16(IPVS_DAEMON_ATTR_MCAST_GROUP)] ?? nest[UInt16(IPVS_DAEMON_ATTR_MCAST_GROUP6)])?.address,
            port: nest[UInt16(IPVS_DAEMON_ATTR_MCAST_PORT)]?.host(),
            timeToLive: nest[UInt16(IPVS_DAEMON_ATTR_MCAST_TTL)]?.host()
        )
    }
}
