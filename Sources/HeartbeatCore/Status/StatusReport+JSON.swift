// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension StatusReport {
    /// The state as one JSON object, schema 1.
    var json: String {
        let members: [(String, JSONValue)] = [
            ("schema", .number(1)),
            ("node", .optional(coordinator.topology?.local?.name)),
            ("nodeid", .optional(coordinator.topology.map { Int($0.localNode) })),
            ("version", .string(coordinator.version)),
            ("incarnation", .string(String(coordinator.incarnation, radix: 16))),
            ("uptime_s", .number(seconds(coordinator.startedAt))),
            ("state", .string(coordinator.state)),
            ("score", .optional(coordinator.score)),
            ("corosync", corosyncValue),
            ("links", .array((coordinator.topology?.links ?? []).map(linkValue))),
            ("peers", .array(coordinator.peers.values.sorted { $0.id < $1.id }.map(peerValue))),
            ("ping", .array(coordinator.pings.sorted { $0.key < $1.key }.flatMap(pingValues))),
            (
                "ping_groups",
                .array(coordinator.configuration.pingGroups.sorted { $0.key < $1.key }.flatMap(groupValues))
            ),
            ("verdicts", .array(coordinator.verdicts.sorted { $0.key < $1.key }.map(verdictValue))),
            ("attributes", .array(coordinator.published.map(attributeValue))),
            ("guards", guardsValue),
            ("alarms", alarmsValue),
            ("probes", probesValue),
        ]
        return JSONValue.object(members).text + "\n"
    }

    private func seconds(_ since: MonotonicTime) -> Int { Int((now - since).components.seconds) }

    /// For how many seconds more a hold-down lasts; nil without one.
    private func secondsLeft(_ flaps: FlapGuard) -> Int? {
        flaps.holds(at: now) ? flaps.heldUntil.map { Int(($0 - now).components.seconds) + 1 } : nil
    }

    private var corosyncValue: JSONValue {
        .object([
            ("connected", .boolean(coordinator.joinedAt != nil)),
            ("problem", .optional(coordinator.corosyncProblem)),
            ("ring", .array(coordinator.ring.sorted().map { .number(Int($0)) })),
            // The decimal is of seconds.
            ("self_latency_ms", .decimal(coordinator.selfDelivery * 1000)),
            ("try_again_total", .number(Int(clamping: tryAgainTotal))),
        ])
    }

    private func linkValue(_ link: UInt8) -> JSONValue {
        let settings = coordinator.configuration.settings(ofLink: link)
        let local = coordinator.localLinks[link]
        return .object([
            ("name", .string(settings.name)),
            ("number", .number(Int(link))),
            ("interface", .optional(local?.interface)),
            ("address", .optional(coordinator.topology?.local?.addresses[link]?.description)),
            ("designated", .boolean(settings.isDesignated)),
            ("weight", .number(settings.weight)),
            ("carrier", .optional(local?.hasCarrier)),
            ("address_present", .optional(local?.hasAddress)),
            ("speed_mbit", .optional(local.flatMap { $0.speed == 0 ? nil : Int($0.speed) })),
            ("health", .optional(coordinator.health[link]?.value)),
            ("reason", .optional(coordinator.verdicts[link]?.reason.name)),
            ("hold_down_until_s", .optional(coordinator.health[link].flatMap { secondsLeft($0.flaps) })),
            ("group", .optional(settings.group)),
            ("ttl", .number(Int(coordinator.configuration.ttl(ofLink: link)))),
            ("port", .number(Int(coordinator.configuration.port(ofLink: link)))),
        ])
    }

    private func peerValue(_ peer: Peer) -> JSONValue {
        let links = peer.monitors.sorted { $0.key < $1.key }.map { link, monitor in
            JSONValue.object([
                ("name", .string(coordinator.configuration.name(ofLink: link))),
                ("number", .number(Int(link))),
                ("state", .string(monitor.state.name)),
                ("since_s", .number(seconds(monitor.since))),
                ("hear", .optional(peer.hears(link))),
                ("heard", .optional(peer.hearsUs(link, us: coordinator.topology?.localNode ?? 0))),
                ("loss_permille", .number(monitor.lossPermille(at: now))),
                ("rtt_us", .optional(peer.roundTrip[link].map { Int($0.wholeNanoseconds / 1000) })),
                ("jitter_us", .number(Int(monitor.jitter.wholeNanoseconds / 1000))),
                ("late_total", .number(monitor.lateTotal)),
                ("late_max_ms", .number(Int(monitor.longestInterval.clampedMilliseconds))),
                ("down_total", .number(monitor.downTotal)),
                ("hold_down_until_s", .optional(secondsLeft(monitor.flaps))),
                (
                    "sources",
                    .object([
                        ("probe", .optional(monitor.hears)),
                        ("knet", .optional(peer.knet[link]?.isConnected)),
                        ("knet_hear", .optional(peer.knet[link]?.hears)),
                        ("knet_heard", .optional(peer.knet[link]?.isHeard)),
                        ("carrier", .optional(peer.carrier(link))),
                    ])
                ),
                ("interface", .optional(peer.localLink(link).flatMap { $0.interface.isEmpty ? nil : $0.interface })),
                ("speed_mbit", .optional(peer.localLink(link).flatMap { $0.speed == 0 ? nil : Int($0.speed) })),
            ])
        }
        return .object([
            ("node", .string(peer.name)),
            ("nodeid", .number(Int(peer.id))),
            ("member", .boolean(coordinator.ring.contains(peer.id))),
            ("daemon", .boolean(peer.isInGroup)),
            ("version", .optional(peer.view?.softwareVersion)),
            ("differs_in", .optional(coordinator.difference(from: peer)?.rawValue)),
            ("links", .array(links)),
            ("ping", .array((peer.view?.pings ?? []).flatMap(pingValues))),
        ])
    }

    /// What a peer says of its ping targets.
    private func pingValues(_ record: PingRecord) -> [JSONValue] {
        record.targets.map { target in
            .object([
                ("link", .string(coordinator.configuration.name(ofLink: record.link))),
                ("target", .string(target.address.description)),
                ("alive", .boolean(target.isAlive)),
                ("rtt_us", .optional(target.roundTripMicroseconds == 0 ? nil : Int(target.roundTripMicroseconds))),
            ])
        }
    }

    private func pingValues(_ link: UInt8, _ targets: [IPAddress: PingMonitor]) -> [JSONValue] {
        targets.sorted { $0.key < $1.key }.map { target, monitor in
            .object([
                ("link", .string(coordinator.configuration.name(ofLink: link))),
                ("target", .string(target.description)),
                ("alive", .boolean(monitor.isAlive)),
                ("by", .optional(monitor.isAlive ? monitor.lastAnswer?.rawValue : nil)),
                (
                    "rtt_us",
                    .optional(monitor.isAlive ? monitor.roundTrip.map { Int($0.wholeNanoseconds / 1000) } : nil)
                ),
                ("since_s", .number(seconds(monitor.since))),
                ("groups", .array(coordinator.pingGroups(of: target, link).map(JSONValue.string))),
            ])
        }
    }

    private func groupValues(_ link: UInt8, _ groups: [HeartbeatConfiguration.PingGroup]) -> [JSONValue] {
        groups.map { group in
            let state = coordinator.pingGroupStates[link]?[group.name]
            return .object([
                ("link", .string(coordinator.configuration.name(ofLink: link))),
                ("name", .string(group.name)),
                ("targets", .array(group.targets.map { .string($0.description) })),
                ("alive", .optional(state?.isAlive)),
                ("since_s", .optional(state.map { seconds($0.since) })),
            ])
        }
    }

    private func verdictValue(_ link: UInt8, _ verdict: LinkVerdict) -> JSONValue {
        .object([
            ("link", .string(coordinator.configuration.name(ofLink: link))),
            ("reason", .string(verdict.reason.name)),
            ("row", .number(Int(verdict.reason.rawValue))),
            ("faulty", .array(verdict.faulty.sorted().map { .string(coordinator.name(of: $0)) })),
            ("since_s", .optional(coordinator.verdictSince[link].map(seconds))),
            ("agreed_by", .array(coordinator.whoAgrees(link, at: now).map { .string(coordinator.name(of: $0)) })),
        ])
    }

    private func attributeValue(_ attribute: NodeAttribute) -> JSONValue {
        .object([
            ("name", .string(attribute.name)),
            ("node", .optional(attribute.node)),
            ("value", .optional(attribute.value)),
            ("private", .boolean(attribute.isPrivate)),
            ("confirmed", .boolean(coordinator.confirmed[attribute.key] == attribute.value)),
        ])
    }

    private var guardsValue: JSONValue {
        .object([
            ("self_late", .boolean(coordinator.isLate(at: now))),
            ("stall", .boolean(coordinator.isStalled(at: now))),
            ("merge", .boolean(coordinator.isMerging(at: now))),
            ("maintenance", .boolean(coordinator.isInMaintenance(at: now))),
            ("forced", .optional(coordinator.forcedHealth(at: now).map { $0 ? "healthy" : "fault" })),
            ("initdead", .boolean(now - coordinator.startedAt < coordinator.timers.initdead)),
            ("hold_down_until_s", .optional(coordinator.health.values.compactMap { secondsLeft($0.flaps) }.max())),
        ])
    }

    private var alarmsValue: JSONValue {
        let names = { (ids: Set<NodeID>) in JSONValue.array(ids.sorted().map { .string(coordinator.name(of: $0)) }) }
        return .object([
            ("split_opinion", names(coordinator.alarmed)),
            ("probes_blocked", names(coordinator.blockedProbes)),
            ("config_mismatch", .boolean(coordinator.hasConfigurationMismatch)),
            ("attributes", .optional(coordinator.attributeFailure)),
            ("corosync", .array(coordinator.advice.map { .string($0.description) })),
            ("real_time", .optional(coordinator.isRealTime)),
            ("memory_locked", .optional(coordinator.isLocked)),
        ])
    }

    private var probesValue: JSONValue {
        .object([
            ("sent", .number(counters.sent)),
            ("heard", .number(counters.accepted)),
            ("forged", .number(counters.forged)),
            ("replayed", .number(counters.replayed)),
            ("foreign", .number(counters.foreign)),
            ("wrong_ttl", .number(counters.wrongTTL)),
            ("malformed", .number(counters.malformed)),
            ("send_failures", .number(counters.sendFailures)),
            ("key", .string(keySource)),
        ])
    }
}
