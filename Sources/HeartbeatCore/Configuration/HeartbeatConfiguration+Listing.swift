// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension HeartbeatConfiguration {
    /// A directive and what stands behind it.
    public typealias Entry = (directive: String, value: String)

    /// Every directive with the value that is in effect, defaults included: a configuration file that means the same.
    public var listing: [Entry] {
        var entries = linkListing
        entries += addressListing
        entries += pingListing
        for service in services {
            entries.append(("service", ([service.name] + service.links.map(name(ofLink:))).joined(separator: " ")))
        }
        entries += timeListing
        entries += [
            ("loss_down", "\(timers.lossDownPermille / 10)"), ("loss_up", "\(timers.lossUpPermille / 10)"),
            ("flap_limit", "\(timers.flapLimit)"), ("policy", policy.rawValue), ("ping_delta", "\(pingDelta)"),
            ("implicit_ping", hasImplicitPing ? "on" : "off"), ("port", "\(port)"), ("ttl", "\(ttl)"),
            ("priority", priority.map(String.init) ?? "off"),
            ("auth", authenticationText), ("on_daemon_loss", isLossNeutral ? "neutral" : "keep"),
            ("on_stop", deletesAtStop ? "delete" : "keep"), ("log_level", "\(logLevel)"),
        ]
        for evidence in Evidence.allCases {
            entries.append(("evidence", "\(evidence.rawValue) \(uses(evidence) ? "on" : "off")"))
        }
        let optional = [("log_file", logFile), ("metrics", metrics?.description), ("user", user)]
        for (directive, value) in optional {
            if let value {
                entries.append((directive, value))
            }
        }
        return entries
    }

    private var linkListing: [Entry] {
        var entries: [Entry] = []
        for (number, link) in links.sorted(by: { $0.key < $1.key }) {
            let role = link.isDesignated ? "designated" : "support"
            let ttl = link.ttl.map { " ttl \($0)" } ?? ""
            let port = link.port.map { " port \($0)" } ?? ""
            let group = link.group.map { " group \($0)" } ?? ""
            let interface = link.interface.map { " interface \($0)" } ?? ""
            let settings = "weight \(link.weight)\(ttl)\(port)\(group)\(interface)"
            entries.append(("link", "\(number) \(link.name) \(role) \(settings)"))
        }
        return entries
    }

    /// In an order of its own.
    var addressListing: [Entry] {
        addresses.sorted { $0.key < $1.key }.flatMap { link, nodes in
            nodes.sorted { $0.key < $1.key }.map { ("address", "\(name(ofLink: link)) \($0.key) \($0.value)") }
        }
    }

    private var pingListing: [Entry] {
        var entries: [Entry] = []
        for (link, targets) in pings.sorted(by: { $0.key < $1.key }) {
            entries.append(("ping", ([name(ofLink: link)] + targets.map(\.description)).joined(separator: " ")))
        }
        for (link, groups) in pingGroups.sorted(by: { $0.key < $1.key }) {
            for group in groups {
                let words = [name(ofLink: link), group.name] + group.targets.map(\.description)
                entries.append(("ping_group", words.joined(separator: " ")))
            }
        }
        return entries
    }

    private var timeListing: [Entry] {
        let times: [(String, Duration)] = [
            ("keepalive", timers.keepalive), ("warntime", timers.warntime), ("deadtime", timers.deadtime),
            ("ping_deadtime", timers.pingDeadtime ?? timers.deadtime), ("settle", timers.settle),
            ("uptime_hold", timers.uptimeHold), ("initdead", timers.initdead), ("solo_confirm", timers.soloConfirm),
            ("ping_confirm", timers.pingConfirm), ("daemon_grace", daemonGrace),
        ]
        return times.map { ($0.0, Self.text($0.1)) }
    }

    private var authenticationText: String {
        switch authentication {
        case .automatic: "auto"
        case .file(let path): "file \(path)"
        case .none: "none"
        }
    }

    /// As the file has it: milliseconds, or seconds where these say the same.
    private static func text(_ time: Duration) -> String {
        let milliseconds = time.wholeNanoseconds / 1_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
