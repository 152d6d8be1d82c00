// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit

extension StatusReport {
    /// The state as one JSON document, schema 1, in parts; times are in seconds, points in time are seconds since 1970.
    var jsonParts: () -> String? {
        var rest = director.configuration.virtualServers[...]
        // The document without its closing brace: the virtual servers are its last member.
        var before = head.text.dropLast() + ",\"virtual_servers\":["
        var isOver = false
        return {
            if let virtual = rest.popFirst() {
                defer { before = "," }
                return before + json(of: virtual)
            }
            guard !isOver else {
                return nil
            }
            isOver = true
            return (before == "," ? "" : before) + "]}\n"
        }
    }

    private var head: JSONValue {
        .object([
            ("schema", .number(1)),
            ("instance", .string(instance)),
            ("pid", .number(Int(getpid()))),
            ("configuration", .string(path)),
            ("phase", .string(phase.rawValue)),
            ("uptime_seconds", .number(Int((now - startedAt).components.seconds))),
            ("checks_late", .optional(late)),
            ("rejected_configuration", .array(rejected.map(JSONValue.string))),
            ("reload_under_way_since", .optional(readingSince.map(wallClock(of:)))),
            ("rejected_since", .optional(rejectedAt.map(wallClock(of:)))),
            ("kernel_problem", .optional(kernel.problem)),
            ("reloads", .object([("done", .number(reloads.done)), ("refused", .number(reloads.refused))])),
            (
                "mails",
                .object([
                    ("sent", .number(mails.sent)), ("failed", .number(mails.failed)),
                    ("waiting", .number(mails.waiting)),
                ])
            ),
        ])
    }

    private func json(of virtual: VirtualServer) -> String {
        let view = view(of: virtual)
        return JSONValue.object([
            ("service", .string(virtual.identity.description)),
            ("servicename", .optional(virtual.serviceName)),
            ("scheduler", .string(virtual.scheduler)),
            ("up", .number(view.up)),
            ("in_kernel", .boolean(view.isInKernel)),
            ("refused", .optional(view.refused)),
            ("fallback", .optional(virtual.fallback.map { "\($0.key)" })),
            ("fallback_in_use", .boolean(view.isFallbackInUse)),
            ("real_servers", .array(view.servers.map(server))),
        ]).text
    }

    private func server(_ server: Server) -> JSONValue {
        let (real, state, counters) = (server.real, server.state, server.counters)
        return .object([
            ("address", .string("\(real.key)")),
            ("forward", .string(real.forwarding.rawValue)),
            ("up", .boolean(state.isUp)),
            ("state", .string(state.word.lowercased())),
            ("reason", .string(state.reason)),
            ("since", .number(wallClock(of: state.since))),
            ("since_seconds", .number(Int((now - state.since).components.seconds))),
            ("weight", .optional(server.wanted)),
            ("configured_weight", .number(real.weight)),
            ("kernel_weight", .optional(server.observed?.destination.weight)),
            ("active_connections", .optional(server.observed.map { Int($0.activeConnections) })),
            ("inactive_connections", .optional(server.observed.map { Int($0.inactiveConnections) })),
            ("failures", .number(state.failures)),
            ("last_result", .optional(state.lastResult?.outcome.description)),
            ("last_check_duration", state.lastResult.map { .decimal($0.duration) } ?? .null),
            ("idle_check", .optional(idleRemark(server))),
            ("last_check_seconds_ago", .optional(state.lastCheck.map { Int((now - $0).components.seconds) })),
            ("checks_ok", .number(counters.up)),
            ("checks_failed", .number(counters.down)),
            ("mean_check_duration", .decimal(counters.time / max(1, counters.up + counters.down))),
            ("longest_check_duration", .decimal(counters.longest)),
            ("transitions", .number(counters.transitions)),
        ])
    }
}
