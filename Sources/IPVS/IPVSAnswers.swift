// SPDX-License-Identifier: Apache-2.0
import CNetlink
import LinuxKit
import Netlink

/// How long connections without traffic are kept, in seconds (ipvsadm --set); when setting, 0 leaves a value as it is.
public struct ConnectionTimeouts: Hashable, Sendable {
    /// Established TCP connections.
    public var tcpSeconds: UInt32
    /// TCP connections after a FIN.
    public var tcpFinSeconds: UInt32
    /// UDP.
    public var udpSeconds: UInt32

    /// Describes timeouts.
    public init(tcpSeconds: UInt32 = 0, tcpFinSeconds: UInt32 = 0, udpSeconds: UInt32 = 0) {
        self.tcpSeconds = tcpSeconds
        self.tcpFinSeconds = tcpFinSeconds
        self.udpSeconds = udpSeconds
    }
}

/// What the kernel says about its IPVS.
public struct IPVSInformation: Hashable, Sendable {
    /// The version as "1.2.1".
    public let version: String
    /// Buckets of the connection table.
    public let connectionTableSize: UInt32
}

/// Reads the answers of the IPVS family; pure, what is not understood gives nil.
enum IPVSAnswers {
    static func service(_ message: NetlinkMessage) -> ObservedService? {
        guard
            let nest = nest(message, IPVS_CMD_NEW_SERVICE, IPVS_CMD_ATTR_SERVICE), let service = VirtualService(nest)
        else {
            return nil
        }
        return ObservedService(
            service,
            statistics: TrafficStatistics(
                current: nest[UInt16(IPVS_SVC_ATTR_STATS64)],
                legacy: nest[UInt16(IPVS_SVC_ATTR_STATS)]
            )
        )
    }

    static func destination(
        _ message: NetlinkMessage,
        _ family: IPAddress.Family,
        counters: Bool = true
    ) -> ObservedDestination? {
        nest(message, IPVS_CMD_NEW_DEST, IPVS_CMD_ATTR_DEST).flatMap {
            ObservedDestination($0, serviceFamily: family, counters: counters)
        }
    }

    static func daemon(_ message: NetlinkMessage) -> SyncDaemon? {
        nest(message, IPVS_CMD_NEW_DAEMON, IPVS_CMD_ATTR_DAEMON).flatMap(SyncDaemon.init)
    }

    static func timeouts(_ message: NetlinkMessage) -> ConnectionTimeouts? {
        guard let attributes = attributes(message, IPVS_CMD_SET_CONFIG) else {
            return nil
        }
        func seconds(_ type: Int) -> UInt32 { attributes[UInt16(type)]?.host() ?? 0 }
        return ConnectionTimeouts(
            tcpSeconds: seconds(IPVS_CMD_ATTR_TIMEOUT_TCP),
            tcpFinSeconds: seconds(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN),
            udpSeconds: seconds(IPVS_CMD_ATTR_TIMEOUT_UDP)
        )
    }

    /// This answer alone numbers its first-level attributes by `IPVS_INFO_ATTR_…`.
    static func information(_ message: NetlinkMessage) -> IPVSInformation? {
        guard
            let attributes = attributes(message, IPVS_CMD_SET_INFO),
            let version = attributes[UInt16(IPVS_INFO_ATTR_VERSION)]?.host(UInt32.self),
            let size = attributes[UInt16(IPVS_INFO_ATTR_CONN_TAB_SIZE)]?.host(UInt32.self)
        else {
            return nil
        }
        return IPVSInformation(
            version: "\(version >> 16 & 0xff).\(version >> 8 & 0xff).\(version & 0xff)",
            connectionTableSize: size
        )
    }

    private static func nest(_ message: NetlinkMessage, _ command: Int, _ type: Int) -> NetlinkAttributes? {
        attributes(message, command)?[UInt16(type)]?.nested
    }

    private static func attributes(_ message: NetlinkMessage, _ command: Int) -> NetlinkAttributes? {
        guard let answer = GenericAnswer(message), Int(answer.command) == command else {
            return nil
        }
        return answer.attributes
    }
}
