// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

extension DirectorSnapshot {
    /// All about connection and configuration synchronisation, on one screen.
    ///
    /// - Parameters:
    ///   - former: An earlier look, for rates; nil shows none.
    ///   - elapsed: The time between the two.
    ///   - paint: Colours.
    /// - Returns: The lines.
    public func syncText(since former: DirectorSnapshot? = nil, elapsed: Duration = .zero, _ paint: Paint) -> String {
        var lines = [paint.bold(host) + (clock.isEmpty ? "" : "  \(clock)")]
        lines += daemonLines(paint)
        lines += intents.map { instance, intent in
            let daemons = intent.daemons.map { "\($0.role) \($0.interface) id \($0.syncID)" }
            return "wanted      by \(instance): \(daemons.joined(separator: ", ")); \(intent.settings.count) settings"
        }
        lines.append("connections " + (connections.map(Self.describe) ?? "the kernel has no such table"))
        if let datagrams {
            var text = datagrams.syncSocket.map { "\($0) lost on the backup daemon's socket, " } ?? ""
            text += "\(datagrams.all) receive errors of all sockets, \(datagrams.withoutRoom) for want of room"
            lines.append("datagrams   " + text)
        }
        if let rates = rates(since: former, elapsed) {
            lines.append("rates       " + rates)
        }
        lines += settingLines
        lines += relayLines(paint)
        lines += configLines(paint)
        let warnings = syncWarnings
        if !warnings.isEmpty {
            lines.append(paint.bad("WARNINGS"))
            lines += warnings.map { "  " + $0 }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func daemonLines(_ paint: Paint) -> [String] {
        guard case .success = kernel else {
            if case .failure(let unknown) = kernel {
                return ["daemons     " + paint.bad(unknown.reason)]
            }
            return []
        }
        guard !daemons.isEmpty else {
            return ["daemons     " + paint.faint("none runs")]
        }
        return daemons.enumerated().map { index, daemon in
            let group = daemon.group ?? SyncDaemon.defaultGroup
            let length = daemon.maximumLength.map { ", up to \($0) bytes" } ?? ""
            return (index == 0 ? "daemons     " : "            ")
                + "\(daemon.role) on \(daemon.interface), syncid \(daemon.syncID), "
                + "\(group) port \(daemon.port ?? SyncDaemon.defaultPort)\(length)"
        }
    }

    private var settingLines: [String] {
        let names = [
            "sync_threshold", "sync_refresh_period", "sync_retries", "sync_ports", "sync_version", "sync_sock_size",
            "sync_qlen_max", "sync_persist_mode",
        ]
        let shown = names.compactMap { name in settings[name].map { "\(name.dropFirst("sync_".count)) \($0)" } }
        return shown.isEmpty ? [] : ["settings    " + shown.joined(separator: ", ")]
    }

    private func relayLines(_ paint: Paint) -> [String] {
        guard let relay = relay.value else {
            let absence = self.relay.absence ?? ""
            return ["relay       " + (absence == "not running" ? paint.faint(absence) : paint.bad(absence))]
        }
        var lines = ["relay       " + (relay.isWorking ? paint.good(relay.state) : paint.bad(relay.state))]
        lines.append(
            "            over \(relay.transport): \(relay.captured) connections taken from the kernel, "
                + "\(relay.injected) given to it"
        )
        if let resync = relay.resync {
            lines.append(
                "            last resync: node \(resync.node) told \(resync.records) connections in "
                    + "\(resync.took.secondsText) s, \(Self.span(Int(resync.age.components.seconds))) ago"
                    + (resync.isComplete ? "" : ", not to the end")
            )
        } else {
            lines.append("            last resync: none so far")
        }
        for peer in relay.peers {
            let own = peer.own.map { ", \($0) opened there" } ?? ""
            lines.append("            node \(peer.node): \(peer.connections) connections\(own)")
        }
        let losses = relay.losses.map { "\($0.name.split(separator: "_").joined(separator: " ")) \($0.count)" }
        lines.append("            losses: " + (losses.isEmpty ? "none" : paint.warning(losses.joined(separator: ", "))))
        return lines
    }

    /// What changed in a second, in words.
    private func rates(since former: DirectorSnapshot?, _ elapsed: Duration) -> String? {
        let milliseconds = Int(elapsed.milliseconds())
        guard let former, milliseconds > 0 else {
            let perSecond = kernelServices.reduce(0) { $0 + Int(clamping: $1.statistics.connectionsPerSecond) }
            return daemons.isEmpty && kernelServices.isEmpty ? nil : "\(perSecond) new connections/s"
        }
        func perSecond(_ new: Int?, _ old: Int?) -> Int? {
            guard let new, let old else {
                return nil
            }
            return max(0, new - old) * 1000 / milliseconds
        }
        func connections(_ snapshot: DirectorSnapshot) -> Int {
            snapshot.kernelServices.reduce(0) { $0 + Int(clamping: $1.statistics.connections) }
        }
        var parts: [String] = []
        let values: [(Int?, String)] = [
            (perSecond(connections(self), connections(former)), "new connections/s"),
            (perSecond(relay.value?.captured, former.relay.value?.captured), "taken by the relay/s"),
            (perSecond(relay.value?.injected, former.relay.value?.injected), "given by the relay/s"),
            (perSecond(datagrams?.syncSocket, former.datagrams?.syncSocket), "datagrams lost/s"),
        ]
        for case (let value?, let name) in values {
            parts.append("\(value) \(name)")
        }
        return parts.joined(separator: ", ")
    }
}
