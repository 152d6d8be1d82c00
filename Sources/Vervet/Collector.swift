// SPDX-License-Identifier: Apache-2.0
import ConfigSyncControl
import Glibc
import IPVS
import LinuxKit
import Netlink
import VervetCore

/// Asks everything on this director, each part for a bounded time, so that none can keep the others from being shown.
struct Collector {
    private static let directory = "/run/vervet"
    private static let instancePrefix = "ldirectord."
    /// Where agents keep what they have to remember, and the files of `ocf:vervet:syncd` there.
    private static let resourceDirectory = "/run/resource-agents"
    private static let recordPrefix = "vervet-syncd-"
    /// The longest wait for one daemon, and for all of them together.
    private static let patience = Duration.milliseconds(1000)
    private static let wholePatience = Duration.milliseconds(2500)
    private static let settingNames = [
        "sync_threshold", "sync_refresh_period", "sync_retries", "sync_ports", "sync_version", "sync_sock_size",
        "sync_qlen_max", "sync_persist_mode",
    ]

    private var counter = ConnectionCounter()

    mutating func collect() -> (DirectorSnapshot, DirectorSnapshot.Documents) {
        var snapshot = DirectorSnapshot(host: Self.hostName, clock: Self.clock)
        var said = DirectorSnapshot.Documents()
        let deadline = Deadline(after: Self.wholePatience)
        snapshot.addresses = Self.addresses
        snapshot.kernel = Self.kernel
        for instance in Self.instances {
            let (part, document) = Self.ask("\(Self.instancePrefix)\(instance).sock", deadline) { LDirectorReport($0) }
            // The socket of one that was killed stays; what does not run is not an instance.
            if case .notRunning = part {
                continue
            }
            snapshot.ldirectors.append((instance, part))
            said.ldirectors += document.map { [$0] } ?? []
        }
        (snapshot.heartbeat, said.heartbeat) = Self.ask("heartbeat.sock", deadline) { HeartbeatReport($0) }
        (snapshot.config, said.config) = Self.ask("configsync.sock", deadline) { ConfigReport($0) }
        (snapshot.relay, said.relay) = Self.ask("syncrelay.sock", deadline) { RelayReport($0) }
        snapshot.connections = counter.count()
        let sysctl = IPVSSysctl()
        snapshot.intents = Self.intents
        let wanted = snapshot.intents.flatMap { $0.intent.settings.map(\.name) }
        for name in Set(Self.settingNames + wanted) {
            snapshot.settings[name] = (try? sysctl.value(name)) ?? nil
        }
        snapshot.receiveBufferLimit = Self.text("/proc/sys/net/core/rmem_max").flatMap {
            Int($0.filter { !$0.isWhitespace })
        }
        snapshot.igmp = Self.text("/proc/net/igmp") ?? ""
        if let backup = snapshot.daemons.first(where: { $0.role == .backup }) {
            let group = backup.group ?? SyncDaemon.defaultGroup
            snapshot.datagrams = DatagramErrors(
                snmp: Self.text("/proc/net/snmp") ?? "",
                udp: Self.text(group.family == .ipv4 ? "/proc/net/udp" : "/proc/net/udp6") ?? "",
                group: group,
                port: backup.port ?? SyncDaemon.defaultPort
            )
        }
        return (snapshot, said)
    }

    private static func ask<Report: Sendable>(
        _ socket: String,
        _ deadline: Deadline,
        _ read: (JSONValue) -> Report?
    ) -> (Part<Report>, JSONValue?) {
        let timeout = max(.milliseconds(50), min(patience, deadline.remaining))
        do {
            let answer = try ControlClient(path: "\(directory)/\(socket)").ask("status json", timeout: timeout)
            guard let document = JSONValue(parsing: answer), let report = read(document) else {
                return (.silent("its answer is not understood"), nil)
            }
            return (.value(report), document)
        } catch {
            switch error {
            case .notRunning: return (.notRunning, nil)
            case .noAnswer: return (.silent("runs, but does not answer"), nil)
            case .system(let error) where error.code == EACCES:
                return (.silent("only root and the group haclient may ask"), nil)
            case .system(let error): return (.silent(error.description), nil)
            }
        }
    }

    /// Every ldirectord that has a socket.
    private static var instances: [String] {
        names(in: directory).filter { $0.hasPrefix(instancePrefix) && $0.hasSuffix(".sock") }
            .map { String($0.dropFirst(instancePrefix.count).dropLast(".sock".count)) }
    }

    /// What the resources that run want; those of another network namespace say nothing about this one.
    private static var intents: [(instance: String, intent: SyncIntent)] {
        names(in: resourceDirectory).filter { $0.hasPrefix(recordPrefix) && !$0.contains(".") }.compactMap { name in
            guard let text = text("\(resourceDirectory)/\(name)") else {
                return nil
            }
            let intent = SyncIntent(text: text)
            return intent.daemons.isEmpty || !intent.namespace.isEmpty
                ? nil : (String(name.dropFirst(recordPrefix.count)), intent)
        }
    }

    private static func names(in directory: String) -> [String] {
        guard let opened = opendir(directory) else {
            return []
        }
        defer { closedir(opened) }
        var found: [String] = []
        while let entry = readdir(opened) {
            found.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        return found.sorted()
    }

    private static var addresses: Result<[DirectorSnapshot.HeldAddress], DirectorSnapshot.Unknown> {
        do throws(NetlinkError) {
            let socket = try NetlinkSocket(.route, receiveTimeout: .seconds(1))
            let links = try socket.links()
            let held = try socket.addresses().compactMap { address -> DirectorSnapshot.HeldAddress? in
                guard let link = links.first(where: { $0.index == address.interfaceIndex }) else {
                    return nil
                }
                // The loopback's own and link-local addresses tell nothing.
                guard address.scope == .global else {
                    return nil
                }
                return DirectorSnapshot.HeldAddress(
                    address.address,
                    prefix: Int(address.prefixLength),
                    interface: link.name,
                    isUsable: link.flags & UInt32(IFF_UP) != 0
                        && (link.hasCarrier || link.flags & UInt32(IFF_LOOPBACK) != 0)
                )
            }
            return .success(held)
        } catch {
            return .failure(DirectorSnapshot.Unknown(error.description))
        }
    }

    private static var kernel: Result<DirectorSnapshot.Kernel, DirectorSnapshot.Unknown> {
        // Asking would load the module, which a look must not do.
        guard access("/proc/net/ip_vs", F_OK) == 0 else {
            return .failure(DirectorSnapshot.Unknown("ip_vs is not loaded"))
        }
        guard geteuid() == 0 else {
            return .failure(DirectorSnapshot.Unknown("only root may ask the kernel"))
        }
        do throws(IPVSError) {
            var client = try IPVSClient()
            return .success(
                DirectorSnapshot.Kernel(services: try client.table(counters: false), daemons: try client.daemons())
            )
        } catch {
            return .failure(DirectorSnapshot.Unknown(error.description))
        }
    }

    private static func text(_ path: String) -> String? { try? TextFile.read(path, limit: 1 << 20) }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        return gethostname(&buffer, buffer.count - 1) == 0 ? String(nulTerminated: buffer) : "this director"
    }

    private static var clock: String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 16)
        strftime(&buffer, buffer.count, "%H:%M:%S", &parts)
        return String(nulTerminated: buffer)
    }
}
