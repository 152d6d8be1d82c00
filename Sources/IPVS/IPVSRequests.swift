// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Netlink

/// Builds the requests of the IPVS family; pure, bytes out.
struct IPVSRequests {
    /// The registered name, `IPVS_GENL_NAME`.
    static let familyName = "IPVS"
    /// `IPVS_GENL_VERSION`.
    static let familyVersion: UInt8 = 1

    /// The family as resolved on the socket in use.
    let family: GenericFamily

    /// The request that makes a change.
    func change(_ change: TableChange) -> NetlinkRequest {
        var attributes = AttributeWriter()
        let command: Int
        switch change {
        case .addService(let service), .editService(let service):
            if case .addService = change {
                command = IPVS_CMD_NEW_SERVICE
            } else {
                command = IPVS_CMD_SET_SERVICE
            }
            attributes.nest(UInt16(IPVS_CMD_ATTR_SERVICE)) { $0.put(service) }
        case .removeService(let key):
            command = IPVS_CMD_DEL_SERVICE
            attributes.nest(UInt16(IPVS_CMD_ATTR_SERVICE)) { $0.put(key) }
        case .addDestination(let destination, let key), .editDestination(let destination, let key):
            if case .addDestination = change {
                command = IPVS_CMD_NEW_DEST
            } else {
                command = IPVS_CMD_SET_DEST
            }
            attributes.nest(UInt16(IPVS_CMD_ATTR_SERVICE)) { $0.put(key) }
            attributes.nest(UInt16(IPVS_CMD_ATTR_DEST)) { $0.put(destination) }
        case .removeDestination(let destination, let key):
            command = IPVS_CMD_DEL_DEST
            attributes.nest(UInt16(IPVS_CMD_ATTR_SERVICE)) { $0.put(key) }
            attributes.nest(UInt16(IPVS_CMD_ATTR_DEST)) { $0.put(destination) }
        }
        return request(command, attributes, change.operation, change.subject)
    }

    /// Gets one service (as a plain request), or all (nil, as a dump).
    func getServices(_ key: VirtualServiceKey? = nil) -> NetlinkRequest {
        request(IPVS_CMD_GET_SERVICE, serviceNest(key), "read virtual service", key.map { "\($0)" } ?? "table")
    }

    /// Gets the real servers of a service, as a dump.
    func getDestinations(of key: VirtualServiceKey) -> NetlinkRequest {
        request(IPVS_CMD_GET_DEST, serviceNest(key), "read the real servers of", "\(key)")
    }

    /// Sets the counters of a service, or all counters, to zero.
    func zero(_ key: VirtualServiceKey?) -> NetlinkRequest {
        request(IPVS_CMD_ZERO, serviceNest(key), "zero the counters of", key.map { "\($0)" } ?? "all services")
    }

    /// Removes every service.
    func flush() -> NetlinkRequest {
        request(IPVS_CMD_FLUSH, AttributeWriter(), "remove", "all virtual services")
    }

    /// Starts a daemon.
    func start(_ daemon: SyncDaemon) -> NetlinkRequest {
        var attributes = AttributeWriter()
        attributes.nest(UInt16(IPVS_CMD_ATTR_DAEMON)) { $0.put(daemon) }
        return request(IPVS_CMD_NEW_DAEMON, attributes, "start the sync \(daemon.role) on", daemon.interface)
    }

    /// Stops a daemon.
    func stop(_ role: SyncDaemon.Role) -> NetlinkRequest {
        var attributes = AttributeWriter()
        attributes.nest(UInt16(IPVS_CMD_ATTR_DAEMON)) {
            $0.putHost(UInt16(IPVS_DAEMON_ATTR_STATE), role.rawValue)
        }
        return request(IPVS_CMD_DEL_DAEMON, attributes, "stop the sync \(role)", "")
    }

    /// Gets the running daemons, as a dump.
    func getDaemons() -> NetlinkRequest {
        request(IPVS_CMD_GET_DAEMON, AttributeWriter(), "read the sync daemons", "")
    }

    /// Gets the connection timeouts.
    func getTimeouts() -> NetlinkRequest {
        request(IPVS_CMD_GET_CONFIG, AttributeWriter(), "read the connection timeouts", "")
    }

    /// Sets connection timeouts; nil and 0 leave a value as it is.
    func setTimeouts(_ timeouts: ConnectionTimeouts) -> NetlinkRequest {
        var attributes = AttributeWriter()
        let values = [
            (IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcpSeconds),
            (IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcpFinSeconds),
            (IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udpSeconds),
        ]
        for (type, value) in values where value != 0 {
            attributes.putHost(UInt16(type), value)
        }
        return request(IPVS_CMD_SET_CONFIG, attributes, "set the connection timeouts", "")
    }

    /// Gets version and size of the connection table.
    func getInformation() -> NetlinkRequest {
        request(IPVS_CMD_GET_INFO, AttributeWriter(), "read the IPVS version", "")
    }

    private func serviceNest(_ key: VirtualServiceKey?) -> AttributeWriter {
        var attributes = AttributeWriter()
        if let key {
            attributes.nest(UInt16(IPVS_CMD_ATTR_SERVICE)) { $0.put(key) }
        }
        return attributes
    }

    private func request(
        _ command: Int,
        _ attributes: AttributeWriter,
        _ operation: String,
        _ subject: String
    ) -> NetlinkRequest {
        family.request(command: UInt8(command), attributes: attributes, operation: operation, subject: subject)
    }
}
