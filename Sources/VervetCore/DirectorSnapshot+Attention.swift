// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

extension DirectorSnapshot {
    /// What somebody should look at, the worst first; empty when all that runs is well.
    public var attention: [String] { serviceTroubles + linkTroubles + configTroubles + syncWarnings }

    private var serviceTroubles: [String] {
        var found: [String] = []
        for (instance, report) in ldirectors {
            guard let report = report.value else {
                found.append("ldirectord \(instance): \(report.absence ?? "")")
                continue
            }
            if let late = report.late {
                found.append("ldirectord \(instance): checks are late: \(late)")
            }
            if let problem = report.kernelProblem {
                found.append("ldirectord \(instance): \(problem)")
            }
            if let first = report.rejected.first {
                found.append("ldirectord \(instance): the file on the disk is not in use: \(first)")
            }
            for service in report.services {
                if let refused = service.refused {
                    found.append("\(service.name): the kernel refuses it: \(refused)")
                } else if !service.isInKernel {
                    found.append("\(service.name): missing in the kernel")
                }
                if service.up == 0 {
                    let instead = service.fallbackInUse.map { ", \($0) serves" } ?? ""
                    found.append("\(service.name): no real server is up\(instead)")
                } else if service.up < service.servers.count {
                    let out = service.servers.count - service.up
                    found.append("\(service.name): \(out) of \(service.servers.count) real servers out")
                }
            }
        }
        return found
    }

    private var linkTroubles: [String] {
        guard let report = heartbeat.value else {
            return heartbeat.isSilent ? ["heartbeat: \(heartbeat.absence ?? "")"] : []
        }
        var found = report.alarms.map { "heartbeat: \($0)" }
        if let problem = report.corosyncProblem {
            found.append("corosync: \(problem)")
        }
        for link in report.links {
            if let verdict = link.verdict, !verdict.faulty.isEmpty {
                found.append(
                    "link \(link.name): at fault: \(verdict.faulty.joined(separator: ", ")) (\(verdict.reason))"
                )
            }
            if link.hasCarrier == false {
                found.append("link \(link.name): no carrier on \(link.interface ?? "?")")
            }
            for peer in link.peers where peer.hears == false || peer.isHeard == false {
                found.append("link \(link.name): \(peer.directions) \(peer.node)")
            }
        }
        return found
    }

    private var configTroubles: [String] {
        guard let report = config.value else {
            return config.isSilent ? ["configsync: \(config.absence ?? "")"] : []
        }
        var found = report.problem.map { ["configsync: \($0)"] } ?? []
        for file in report.files where !["synchronised", "synchronising", "separated"].contains(file.condition) {
            found.append(
                "\(file.path): \(file.condition)"
                    + (file.conflicts.isEmpty ? "" : ": \(file.conflicts.joined(separator: "; "))")
            )
        }
        return found
    }

    /// What is set or counted so that synchronised connections may be missing when they are needed.
    public var syncWarnings: [String] {
        var found: [String] = []
        let master = daemons.first { $0.role == .master }
        let backup = daemons.first { $0.role == .backup }
        if let master, let backup {
            if let sent = master.maximumLength, let taken = backup.maximumLength, taken < sent {
                found.append("the backup daemon takes \(taken) bytes, the master sends up to \(sent)")
            }
            if backup.syncID != 0, backup.syncID != master.syncID, relay.value == nil {
                found.append("the master sends syncid \(master.syncID), the backup takes \(backup.syncID)")
            }
        } else if let only = master ?? backup,
            !intents.contains(where: { $0.intent.daemons.map(\.role) == [only.role] })
        {
            found.append("only the \(only.role) daemon runs")
        }
        for interface in Set(daemons.map(\.interface)).sorted() {
            found += warnings(ofInterface: interface)
        }
        if let backup, relay.value == nil, !igmp.isEmpty {
            let group = backup.group ?? SyncDaemon.defaultGroup
            if group.family == .ipv4, !MulticastGroups.contains(igmp, interface: backup.interface, group: group) {
                found.append("\(backup.interface) does not listen to \(group): the backup daemon hears nothing")
            }
        }
        if let limit = receiveBufferLimit, let size = settings["sync_sock_size"].flatMap({ Int($0) }), size > limit {
            found.append("sync_sock_size \(size) is more than net.core.rmem_max \(limit)")
        }
        if let drops = datagrams?.syncSocket, drops > 0 {
            found.append("\(drops) sync datagrams lost for want of room; raise sync_sock_size and net.core.rmem_max")
        }
        if !daemons.isEmpty, case .success = kernel, kernelServices.isEmpty {
            found.append(
                "no virtual service here: synchronised connections cannot bind, and an arriving VIP answers RST"
            )
        }
        for (instance, intent) in intents {
            found += intent.differences(running: daemons, present: settings).map { "\(instance): \($0)" }
        }
        if let relay = relay.value {
            if !relay.isWorking {
                found.append("relay: \(relay.state)")
            }
        } else if relay.isSilent {
            found.append("relay: \(relay.absence ?? "")")
        }
        return found
    }

    private func warnings(ofInterface interface: String) -> [String] {
        var found: [String] = []
        if let link = heartbeat.value?.links.first(where: { $0.interface == interface }), link.isDesignated,
            heartbeat.value.map({ $0.links.count > 1 }) ?? false
        {
            found.append("synchronisation goes over \(interface), the link that carries the service")
        }
        if case .success(let addresses) = addresses, !addresses.contains(where: { $0.interface == interface }) {
            found.append("\(interface) has no address: sync datagrams come from any other one")
        }
        return found
    }
}

extension Part {
    /// It runs and says nothing.
    var isSilent: Bool {
        if case .silent = self {
            return true
        }
        return false
    }
}

extension HeartbeatReport.Peer {
    /// What is known about both directions, before the peer's name.
    var directions: String {
        switch (hears, isHeard) {
        case (true, true): "both ways with"
        case (true, false): "is not heard by"
        case (false, true): "does not hear"
        case (false, false): "cut off from"
        default: state + " with"
        }
    }
}
