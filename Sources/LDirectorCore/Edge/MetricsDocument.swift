// SPDX-License-Identifier: Apache-2.0
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

/// The state as figures for Prometheus, made in parts that are short enough for the event loop.
final class MetricsDocument {
    /// A family of figures: so many of them, and what writes one.
    private struct Family {
        let name: String
        let kind: PrometheusText.Kind
        let help: String
        let count: Int
        let add: (Int, inout PrometheusText) -> Void
    }

    private typealias Labels = PrometheusText.Labels

    /// Figures, or servers that are read from the kernel, of one part.
    private static let length = 400

    private let report: StatusReport
    private var unread: ArraySlice<VirtualServer>
    private var virtuals: [(labels: Labels, view: StatusReport.Virtual)] = []
    private var reals: [(labels: Labels, server: StatusReport.Server)] = []
    private var traffic: [(labels: Labels, server: ObservedDestination)] = []
    private var families: [Family]?
    private var text = PrometheusText()
    /// The family, and the figure in it, that comes next.
    private var next = (family: 0, figure: 0)

    init(_ report: StatusReport) {
        self.report = report
        unread = report.director.configuration.virtualServers[...]
    }

    /// The next part, which may be empty; nil is the end.
    func part() -> String? {
        guard unread.isEmpty else {
            read()
            return ""
        }
        let families = families ?? ofDaemon + ofVirtuals + ofReals + ofTraffic
        self.families = families
        guard next.family < families.count else {
            return nil
        }
        var allowance = Self.length
        while allowance > 0, next.family < families.count {
            let family = families[next.family]
            if next.figure == 0 {
                text.begin(family.name, family.kind, family.help)
            }
            let end = min(family.count, next.figure + allowance)
            for index in next.figure..<end {
                family.add(index, &text)
            }
            allowance -= end - next.figure
            next = end < family.count ? (next.family, end) : (next.family + 1, 0)
        }
        return text.take()
    }

    private func read() {
        var allowance = Self.length
        while allowance > 0, let virtual = unread.popFirst() {
            let view = report.view(of: virtual)
            let labels = Labels(["virtual": virtual.identity.description])
            virtuals.append((labels, view))
            reals += view.servers.map { (labels.with("real", "\($0.real.key)"), $0) }
            traffic += view.observed.map { (labels.with("real", "\($0.destination.key)"), $0) }
            allowance -= 1 + view.servers.count
        }
    }

    // MARK: families

    private var ofDaemon: [Family] {
        func family(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ values: [(Labels, Int)]) -> Family {
            Family(name: "ldirectord_\(name)", kind: kind, help: help, count: values.count) { index, text in
                text.add(values[index].1, values[index].0)
            }
        }
        func results(_ done: Int, _ word: String, _ failed: Int, _ other: String) -> [(Labels, Int)] {
            [(Labels(["result": word]), done), (Labels(["result": other]), failed)]
        }
        let info = Labels(["configuration": report.instance, "version": Command.version])
        let start = report.wallClock(of: report.startedAt)
        let (reloads, mails) = (report.reloads, report.mails)
        return [
            family("info", .gauge, "The daemon, always 1.", [(info, 1)]),
            family("start_time_seconds", .gauge, "Start of the daemon since 1970.", [(Labels(), start)]),
            family("checks_late", .gauge, "1 when a check is overdue.", [(Labels(), report.late == nil ? 0 : 1)]),
            family(
                "config_rejected",
                .gauge,
                "1 while the file on disk is faulty and not in use.",
                [(Labels(), report.rejected.isEmpty ? 0 : 1)]
            ),
            family(
                "config_reloads_total",
                .counter,
                "Reloads by their result.",
                results(reloads.done, "done", reloads.refused, "refused")
            ),
            family(
                "mails_total",
                .counter,
                "Mails by their result.",
                results(mails.sent, "sent", mails.failed, "failed")
            ),
            family("mails_waiting", .gauge, "Mails that are not delivered yet.", [(Labels(), mails.waiting)]),
            family(
                "kernel_readable",
                .gauge,
                "1 when the kernel's IPVS table could be read.",
                [(Labels(), report.kernel.problem == nil ? 1 : 0)]
            ),
        ]
    }

    private var ofVirtuals: [Family] {
        let virtuals = virtuals
        func family(_ name: String, _ help: String, _ value: @escaping (StatusReport.Virtual) -> Int?) -> Family {
            Family(name: "ldirectord_virtual_\(name)", kind: .gauge, help: help, count: virtuals.count) { index, text in
                if let value = value(virtuals[index].view) {
                    text.add(value, virtuals[index].labels)
                }
            }
        }
        let isReadable = report.kernel.problem == nil
        return [
            family("real_servers", "Configured real servers.") { $0.server.realServers.count },
            family("real_servers_up", "Real servers in use.") { $0.up },
            family("fallback_in_use", "1 while the fallback server is in use.") {
                $0.server.fallback == nil ? nil : $0.isFallbackInUse ? 1 : 0
            },
            family("refused", "1 while the kernel refuses what is configured.") { $0.refused == nil ? 0 : 1 },
            family("in_kernel", "1 when the service is in the kernel's table.") {
                isReadable ? $0.isInKernel ? 1 : 0 : nil
            },
        ]
    }

    private var ofReals: [Family] {
        let reals = reals
        let report = report
        func family(
            _ name: String,
            _ kind: PrometheusText.Kind,
            _ help: String,
            _ value: @escaping (StatusReport.Server) -> String?
        ) -> Family {
            Family(name: "ldirectord_real_\(name)", kind: kind, help: help, count: reals.count) { index, text in
                if let value = value(reals[index].server) {
                    text.add(value, reals[index].labels)
                }
            }
        }
        return [
            family("up", .gauge, "1 when the real server is in use.") { $0.state.isUp ? "1" : "0" },
            family("weight", .gauge, "The wanted weight; none when the server is not in the table.") {
                $0.wanted.map(String.init)
            },
            family("kernel_weight", .gauge, "The weight in the kernel's table.") {
                $0.observed.map { String($0.destination.weight) }
            },
            family("state_start_time_seconds", .gauge, "When the state began, since 1970.") {
                String(report.wallClock(of: $0.state.since))
            },
            family("soft_failures", .gauge, "Failed checks in a row of a server that is still in use.") {
                String($0.state.failures)
            },
            family("transitions_total", .counter, "Times that it came up or went down.") {
                String($0.counters.transitions)
            },
            family("check_last_duration_seconds", .gauge, "How long the last check took.") {
                $0.state.lastResult?.duration.secondsText
            },
            family("check_duration_seconds_total", .counter, "How long all checks took together.") {
                $0.counters.time.secondsText
            },
            Family(
                name: "ldirectord_real_checks_total",
                kind: .counter,
                help: "Checks by their result.",
                count: reals.count
            ) { index, text in
                let (labels, server) = reals[index]
                text.add(server.counters.up, labels.with("result", "ok"))
                text.add(server.counters.down, labels.with("result", "failed"))
            },
        ]
    }

    private var ofTraffic: [Family] {
        let traffic = traffic
        func family(
            _ name: String,
            _ kind: PrometheusText.Kind,
            _ help: String,
            _ value: @escaping (ObservedDestination) -> UInt64
        ) -> Family {
            Family(name: "ldirectord_real_\(name)", kind: kind, help: help, count: traffic.count) { index, text in
                text.add(value(traffic[index].server), traffic[index].labels)
            }
        }
        return [
            family("active_connections", .gauge, "Established connections.") { UInt64($0.activeConnections) },
            family("inactive_connections", .gauge, "Other connections.") { UInt64($0.inactiveConnections) },
            family("connections_total", .counter, "Connections scheduled.") { $0.statistics.connections },
            family("incoming_packets_total", .counter, "Packets from clients.") { $0.statistics.inPackets },
            family("outgoing_packets_total", .counter, "Packets to clients.") { $0.statistics.outPackets },
            family("incoming_bytes_total", .counter, "Bytes from clients.") { $0.statistics.inBytes },
            family("outgoing_bytes_total", .counter, "Bytes to clients.") { $0.statistics.outBytes },
        ]
    }
}
