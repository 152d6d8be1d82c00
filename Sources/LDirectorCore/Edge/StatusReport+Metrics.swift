// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

extension StatusReport {
    /// The state as figures for Prometheus.
    var metrics: String {
        var text = PrometheusText()
        addDaemon(to: &text)
        addVirtuals(to: &text)
        addServers(to: &text)
        addTraffic(to: &text)
        return text.text
    }

    private typealias Sample = (labels: PrometheusText.Labels, value: String)

    private func own(_ value: Int, _ labels: KeyValuePairs<String, String> = [:]) -> Sample {
        (PrometheusText.Labels(labels), String(value))
    }

    private func addDaemon(to text: inout PrometheusText) {
        text.add(
            "ldirectord_info",
            .gauge,
            "The daemon, always 1.",
            [own(1, ["configuration": instance, "version": Command.version])]
        )
        text.add(
            "ldirectord_start_time_seconds",
            .gauge,
            "Start of the daemon since 1970.",
            [own(wallClock(of: startedAt))]
        )
        text.add("ldirectord_checks_late", .gauge, "1 when a check is overdue.", [own(late == nil ? 0 : 1)])
        text.add(
            "ldirectord_config_rejected",
            .gauge,
            "1 while the file on disk is faulty and not in use.",
            [own(rejected.isEmpty ? 0 : 1)]
        )
        text.add(
            "ldirectord_config_reloads_total",
            .counter,
            "Reloads by their result.",
            [own(reloads.done, ["result": "done"]), own(reloads.refused, ["result": "refused"])]
        )
        text.add(
            "ldirectord_mails_total",
            .counter,
            "Mails by their result.",
            [own(mails.sent, ["result": "sent"]), own(mails.failed, ["result": "failed"])]
        )
        text.add("ldirectord_mails_waiting", .gauge, "Mails that are not delivered yet.", [own(mails.waiting)])
        text.add(
            "ldirectord_kernel_readable",
            .gauge,
            "1 when the kernel's IPVS table could be read.",
            [own(kernelProblem == nil ? 1 : 0)]
        )
    }

    private func addVirtuals(to text: inout PrometheusText) {
        let virtuals = director.configuration.virtualServers
        func samples(_ value: (VirtualServer) -> Int?) -> [Sample] {
            virtuals.compactMap { virtual in value(virtual).map { (labels(virtual), String($0)) } }
        }
        text.add(
            "ldirectord_virtual_real_servers",
            .gauge,
            "Configured real servers.",
            samples { $0.realServers.count }
        )
        text.add(
            "ldirectord_virtual_real_servers_up",
            .gauge,
            "Real servers in use.",
            samples { virtual in servers(of: virtual).count { $0.state.isUp } }
        )
        text.add(
            "ldirectord_virtual_fallback_in_use",
            .gauge,
            "1 while the fallback server is in use.",
            samples { virtual in virtual.fallback == nil ? nil : isFallbackInUse(virtual) ? 1 : 0 }
        )
        text.add(
            "ldirectord_virtual_refused",
            .gauge,
            "1 while the kernel refuses what is configured.",
            samples { refused[$0.key] == nil ? 0 : 1 }
        )
        text.add(
            "ldirectord_virtual_in_kernel",
            .gauge,
            "1 when the service is in the kernel's table.",
            kernelProblem == nil ? samples { kernel[$0.key] == nil ? 0 : 1 } : []
        )
    }

    private func addServers(to text: inout PrometheusText) {
        let all = director.configuration.virtualServers.flatMap {
            virtual -> [(labels: PrometheusText.Labels, server: Server)] in
            let labels = labels(virtual)
            return servers(of: virtual).map { (labels: labels.with("real", "\($0.real.key)"), server: $0) }
        }
        func add(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (Server) -> String?) {
            text.add(
                "ldirectord_real_\(name)",
                kind,
                help,
                all.compactMap { entry in value(entry.server).map { (entry.labels, $0) } }
            )
        }
        add("up", .gauge, "1 when the real server is in use.") { $0.state.isUp ? "1" : "0" }
        add("weight", .gauge, "The wanted weight; none when the server is not in the table.") {
            $0.wanted.map(String.init)
        }
        add("kernel_weight", .gauge, "The weight in the kernel's table.") {
            $0.observed.map { String($0.destination.weight) }
        }
        add("state_start_time_seconds", .gauge, "When the state began, since 1970.") {
            String(wallClock(of: $0.state.since))
        }
        add("soft_failures", .gauge, "Failed checks in a row of a server that is still in use.") {
            String($0.state.failures)
        }
        add("transitions_total", .counter, "Times that it came up or went down.") { String($0.counters.transitions) }
        add("check_last_duration_seconds", .gauge, "How long the last check took.") {
            $0.state.lastResult?.duration.secondsText
        }
        add("check_duration_seconds_total", .counter, "How long all checks took together.") {
            $0.counters.time.secondsText
        }
        let results = all.flatMap { entry in
            [("ok", entry.server.counters.up), ("failed", entry.server.counters.down)].map {
                (labels: entry.labels.with("result", $0.0), value: String($0.1))
            }
        }
        text.add("ldirectord_real_checks_total", .counter, "Checks by their result.", results)
    }

    private func addTraffic(to text: inout PrometheusText) {
        let all = director.configuration.virtualServers.flatMap {
            virtual -> [(labels: PrometheusText.Labels, server: ObservedDestination)] in
            let labels = labels(virtual)
            return (kernel[virtual.key]?.destinations ?? []).map {
                (labels: labels.with("real", "\($0.destination.key)"), server: $0)
            }
        }
        func add(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (ObservedDestination) -> UInt64)
        {
            text.add("ldirectord_real_\(name)", kind, help, all.map { ($0.labels, String(value($0.server))) })
        }
        add("active_connections", .gauge, "Established connections.") { UInt64($0.activeConnections) }
        add("inactive_connections", .gauge, "Other connections.") { UInt64($0.inactiveConnections) }
        add("connections_total", .counter, "Connections scheduled.") { $0.statistics.connections }
        add("incoming_packets_total", .counter, "Packets from clients.") { $0.statistics.inPackets }
        add("outgoing_packets_total", .counter, "Packets to clients.") { $0.statistics.outPackets }
        add("incoming_bytes_total", .counter, "Bytes from clients.") { $0.statistics.inBytes }
        add("outgoing_bytes_total", .counter, "Bytes to clients.") { $0.statistics.outBytes }
    }

    private func labels(_ virtual: VirtualServer) -> PrometheusText.Labels {
        PrometheusText.Labels(["virtual": virtual.identity.description])
    }
}
