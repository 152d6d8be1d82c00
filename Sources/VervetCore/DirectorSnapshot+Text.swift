// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

extension DirectorSnapshot {
    /// One screen.
    public func text(_ paint: Paint) -> String {
        var lines = [paint.bold(host) + (clock.isEmpty ? "" : "  \(clock)")]
        lines += addressLines(paint)
        lines += serviceLines(paint)
        lines += heartbeatLines(paint)
        lines += syncLines(paint)
        lines += configLines(paint)
        let attention = attention
        if !attention.isEmpty {
            lines.append(paint.bad("ATTENTION"))
            lines += attention.map { "  " + $0 }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func title(_ name: String) -> String { name + String(repeating: " ", count: max(1, 12 - name.utf8.count)) }

    private func absent(_ name: String, _ reason: String?, _ paint: Paint) -> String {
        title(name) + (reason == "not running" ? paint.faint("not running") : paint.bad(reason ?? ""))
    }

    private func addressLines(_ paint: Paint) -> [String] {
        switch addresses {
        case .failure(let unknown): return [title("addresses") + paint.bad(unknown.reason)]
        case .success(let held):
            let virtual = virtualAddresses
            var rows: [String] = []
            for interface in held.map(\.interface).unique {
                let list = held.filter { $0.interface == interface }
                let texts = list.map { one in
                    virtual.contains(one.address)
                        ? paint.good("\(one.address)/\(one.prefix) VIP") : "\(one.address)/\(one.prefix)"
                }
                let isUsable = list.allSatisfy(\.isUsable)
                rows.append(
                    "\(interface) \(texts.joined(separator: ", "))" + (isUsable ? "" : paint.bad(" NO CARRIER"))
                )
            }
            let missing = virtual.subtracting(held.map(\.address)).sorted()
            if !missing.isEmpty {
                rows.append(paint.faint("not here: \(missing.map(\.description).joined(separator: ", "))"))
            }
            return lead(title("addresses"), rows.isEmpty ? ["none"] : rows)
        }
    }

    /// A title before the first row, blanks before the others.
    private func lead(_ title: String, _ rows: [String]) -> [String] {
        rows.enumerated().map { ($0.offset == 0 ? title : String(repeating: " ", count: 12)) + $0.element }
    }

    private func serviceLines(_ paint: Paint) -> [String] {
        guard !ldirectors.isEmpty else {
            return [absent("ldirectord", "not running", paint)] + kernelLines(paint)
        }
        var lines: [String] = []
        for (instance, part) in ldirectors {
            guard let report = part.value else {
                lines.append(title("ldirectord") + "\(instance): " + paint.bad(part.absence ?? ""))
                continue
            }
            lines.append(title("ldirectord") + "\(instance), pid \(report.pid), up for \(Self.span(report.uptime))")
            for service in report.services {
                lines += self.lines(of: service, paint)
            }
        }
        return ldirectors.contains { $0.report.value == nil } ? lines + kernelLines(paint) : lines
    }

    private func lines(of service: LDirectorReport.Service, _ paint: Paint) -> [String] {
        let count = "\(service.up) of \(service.servers.count) up"
        let state =
            service.up == service.servers.count
            ? paint.good(count) : service.up == 0 ? paint.bad(count) : paint.warning(count)
        var head = "  \(service.name) \(service.scheduler), \(state)"
        head += service.servicename.map { "  [\($0)]" } ?? ""
        head += service.isInKernel ? "" : paint.bad("  NOT IN THE KERNEL")
        var columns = Columns(indent: "    ")
        for server in service.servers {
            let weight =
                server.weight.map { weight in
                    weight == server.wantedWeight
                        ? "\(weight)" : "\(weight), not \(server.wantedWeight.map(String.init) ?? "-")"
                } ?? "-"
            let isWell = server.isUp && server.state == "up"
            columns.add([
                ("\(server.address) \(server.forward)", { $0 }),
                (server.state, { isWell ? paint.good($0) : server.isUp ? paint.warning($0) : paint.bad($0) }),
                ("weight \(weight)", { $0 }),
                ("\(server.connections ?? 0) conns", { $0 }),
                (
                    isWell ? "" : ["since \(Self.span(server.since ?? 0))", server.reason].joined(separator: ", "),
                    { $0 }
                ),
            ])
        }
        return [head] + columns.lines + (service.fallbackInUse.map { ["    fallback \($0) serves"] } ?? [])
    }

    private func kernelLines(_ paint: Paint) -> [String] {
        switch kernel {
        case .failure(let unknown): return [title("table") + unknown.reason]
        case .success:
            guard !kernelServices.isEmpty else {
                return [title("table") + "no virtual service in the kernel"]
            }
            var lines = [title("table") + "as the kernel has it"]
            for service in kernelServices {
                lines.append("  \(service.service.key) \(service.service.scheduler)")
                var columns = Columns(indent: "    ")
                for server in service.destinations {
                    columns.add([
                        ("\(server.destination.key)", { $0 }),
                        ("weight \(server.destination.weight)", { $0 }),
                        ("\(server.activeConnections + server.inactiveConnections) conns", { $0 }),
                    ])
                }
                lines += columns.lines
            }
            return lines
        }
    }

    private func heartbeatLines(_ paint: Paint) -> [String] {
        guard let report = heartbeat.value else {
            return [absent("heartbeat", heartbeat.absence, paint)]
        }
        let score = report.score.map(String.init) ?? "not yet published"
        var head = "\(report.state), hb-score \(report.score == 0 ? paint.bad(score) : score)"
        if let problem = report.corosyncProblem {
            head += ", " + paint.bad("corosync: \(problem)")
        }
        var lines = [title("heartbeat") + head]
        for link in report.links {
            let carrier = link.hasCarrier == false ? paint.bad(" NO CARRIER") : ""
            var text = "  link \(link.name) (\(link.isDesignated ? "designated" : "support"))"
            text += " \(link.interface ?? "no interface") \(link.address ?? "")\(carrier): "
            text +=
                link.peers.isEmpty
                ? "no other director" : link.peers.map { describe($0, paint) }.joined(separator: ", ")
            if let verdict = link.verdict {
                let isWell = verdict.faulty.isEmpty
                let words = isWell ? "nobody at fault" : "at fault: \(verdict.faulty.joined(separator: ", "))"
                text += "; \(verdict.reason), \(isWell ? paint.good(words) : paint.bad(words))"
            }
            lines.append(text)
        }
        return lines
    }

    private func describe(_ peer: HeartbeatReport.Peer, _ paint: Paint) -> String {
        let text = "\(peer.directions) \(peer.node)"
        let isWell = peer.hears == true && peer.isHeard == true
        return (isWell ? paint.good(text) : paint.warning(text))
            + (peer.isMember ? "" : " (not a member)") + (peer.hasDaemon ? "" : " (no heartbeat)")
    }

    private func syncLines(_ paint: Paint) -> [String] {
        var parts: [String] = []
        switch kernel {
        case .failure(let unknown): parts.append(unknown.reason)
        case .success:
            parts.append(
                daemons.isEmpty ? paint.faint("no daemon runs") : daemons.map(Self.describe).joined(separator: ", ")
            )
        }
        if let connections {
            parts.append(Self.describe(connections))
        }
        if let relay = relay.value {
            parts.append("relay " + (relay.isWorking ? paint.good(relay.state) : paint.bad(relay.state)))
        }
        return [title("sync") + parts.joined(separator: "; ")]
    }

    static func describe(_ daemon: SyncDaemon) -> String { "\(daemon.role) \(daemon.interface) id \(daemon.syncID)" }

    static func describe(_ count: ConnectionCount) -> String {
        let more = count.isPartial ? "at least " : ""
        let age = count.age.map { " (\($0.components.seconds) s ago)" } ?? ""
        return "\(more)\(count.local) connections from here, \(count.synchronised) from others\(age)"
    }

    func configLines(_ paint: Paint) -> [String] {
        guard let report = config.value else {
            return [absent("config", config.absence, paint)]
        }
        var rows: [String] = []
        for file in report.files {
            let isWell = file.condition == "synchronised"
            let state = isWell ? paint.good(file.condition) : paint.bad(file.condition)
            let versions = file.directors.map(\.text).unique
            if isWell, versions.count == 1, let version = versions.first {
                let nodes = file.directors.map(\.node).joined(separator: ", ")
                rows.append("\(file.path) \(state), version \(version) on \(nodes)")
            } else {
                rows.append("\(file.path) \(state)")
                for director in file.directors {
                    let trouble = director.trouble.map {
                        ": " + paint.bad($0.split(separator: "\n").first.map(String.init) ?? "")
                    }
                    rows.append("  \(director.node) version \(director.text)\(trouble ?? "")")
                }
            }
        }
        if let problem = report.problem {
            rows.append(paint.bad(problem))
        }
        return lead(title("config"), rows.isEmpty ? ["no file"] : rows)
    }

    /// A span of time in its largest whole unit, as ldirectord writes it.
    static func span(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86400) days"
        }
    }
}

extension Sequence where Element: Hashable {
    /// The elements without repetitions, in their order.
    var unique: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
