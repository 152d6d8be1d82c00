// SPDX-License-Identifier: Apache-2.0
import LinuxKit

extension StatusReport {
    /// The state in Prometheus' text format.
    var metrics: String {
        var text = MetricsText()
        addLinks(&text)
        addOwn(&text)
        addVerdicts(&text)
        addProbes(&text)
        return text.text
    }

    private typealias Samples = [(labels: [(String, String)], value: String)]

    private func addLinks(_ text: inout MetricsText) {
        var up: Samples = []
        var roundTrip: Samples = []
        var loss: Samples = []
        var late: Samples = []
        var down: Samples = []
        var held: Samples = []
        var knet: Samples = []
        var jitter: Samples = []
        for peer in coordinator.peers.values.sorted(by: { $0.id < $1.id }) {
            for (link, monitor) in peer.monitors.sorted(by: { $0.key < $1.key }) {
                let labels = [("peer", peer.name), ("link", coordinator.configuration.name(ofLink: link))]
                let heard = peer.hearsUs(link, us: coordinator.topology?.localNode ?? 0)
                for (direction, value) in [("hear", peer.hears(link)), ("heard", heard)] {
                    if let value {
                        up.append((labels + [("dir", direction)], value ? "1" : "0"))
                    }
                }
                if let time = peer.roundTrip[link] {
                    roundTrip.append((labels, Self.seconds(time)))
                }
                jitter.append((labels, Self.seconds(monitor.jitter)))
                loss.append((labels, Self.fraction(monitor.lossPermille(at: now))))
                late.append((labels, String(monitor.lateTotal)))
                down.append((labels, String(monitor.downTotal)))
                held.append((labels, monitor.flaps.holds(at: now) ? "1" : "0"))
                if let state = peer.knet[link] {
                    knet.append((labels, state.isConnected ? "1" : "0"))
                }
            }
        }
        text.add("link_up", "Whether a direction of a link to a peer works: hear from it, heard by it.", up)
        text.add("link_rtt_seconds", "Round trip of the last probe.", roundTrip)
        text.add("link_jitter_seconds", "Variation of the probes' way, smoothed.", jitter)
        text.add("link_loss_ratio", "Lost probes of the last ten seconds.", loss)
        text.add("late_total", "How often a peer's probes were late.", late)
        text.add("down_total", "How often a direction went down.", down)
        text.add("flap_holddown", "Whether a direction is held down after flapping.", held)
        text.add("knet_connected", "Corosync's view of a link.", knet)
        let pings = coordinator.pings.sorted { $0.key < $1.key }.flatMap { link, targets in
            targets.sorted { $0.key < $1.key }.map { target, monitor in
                (
                    labels: [
                        ("link", coordinator.configuration.name(ofLink: link)), ("target", target.description),
                    ], value: monitor.isAlive ? "1" : "0"
                )
            }
        }
        text.add("ping_alive", "Whether a ping target answers.", pings)
        let groups = coordinator.pingGroupStates.sorted { $0.key < $1.key }.flatMap { link, states in
            states.sorted { $0.key < $1.key }.map { name, state in
                (
                    labels: [("link", coordinator.configuration.name(ofLink: link)), ("group", name)],
                    value: state.isAlive ? "1" : "0"
                )
            }
        }
        text.add("ping_group_alive", "Whether any member of a ping group answers.", groups)
        let own = coordinator.health.sorted { $0.key < $1.key }.map { link, health in
            (
                labels: [("link", coordinator.configuration.name(ofLink: link))],
                value: health.flaps.holds(at: now) ? "1" : "0"
            )
        }
        text.add("health_holddown", "Whether our own health on a link is held down after flapping.", own)
    }

    private func addOwn(_ text: inout MetricsText) {
        text.add("score", "The attribute hb-score.", coordinator.score)
        text.add(
            "state",
            "The attribute hb-state, as a label.",
            [([("state", coordinator.state)], "1")]
        )
        text.add("in_group", "Whether corosync's group is joined.", coordinator.joinedAt == nil ? 0 : 1)
        text.add(
            "self_delivery_seconds",
            "How long our last own message took to come back.",
            [([], Self.seconds(coordinator.selfDelivery))]
        )
        text.add(
            "cpg_try_again_total",
            "Calls that corosync did not take and that were repeated.",
            Int(clamping: tryAgainTotal)
        )
        text.add("tick_late_total", "How often this heartbeat was away itself.", coordinator.lateTicks)
        text.add("attr_errors_total", "Attributes that did not reach Pacemaker.", coordinator.attributeFailures)
        text.add(
            "attr_confirm_seconds",
            "How long it took to give Pacemaker the last attribute.",
            coordinator.attributeDelay.map { [([], Self.seconds($0))] } ?? []
        )
        text.add("rejected_messages_total", "Messages of the group not understood.", coordinator.rejectedMessages)
        text.add(
            "maintenance",
            "Whether an operator froze what is published.",
            coordinator.isInMaintenance(at: now) ? 1 : 0
        )
        text.add("forced", "Whether an operator forced a verdict.", coordinator.forcedHealth(at: now) == nil ? 0 : 1)
        text.add("split_opinion", "Members whose verdict differs from ours.", coordinator.alarmed.count)
        text.add("real_time", "Whether real-time priority was given.", coordinator.isRealTime.map { $0 ? 1 : 0 })
    }

    private func addVerdicts(_ text: inout MetricsText) {
        let verdicts = coordinator.verdicts.sorted { $0.key < $1.key }
        text.add(
            "verdict",
            "The verdict about a designated link, as a label.",
            verdicts.map { link, verdict in
                (
                    [("link", coordinator.configuration.name(ofLink: link)), ("reason", verdict.reason.name)],
                    "1"
                )
            }
        )
        text.add(
            "fault",
            "Whether a node is at fault for a designated link.",
            verdicts.flatMap { link, verdict in
                (coordinator.topology?.nodes ?? []).map { node in
                    (
                        [("link", coordinator.configuration.name(ofLink: link)), ("node", node.name)],
                        verdict.faulty.contains(node.id) ? "1" : "0"
                    )
                }
            }
        )
    }

    private func addProbes(_ text: inout MetricsText) {
        let fates = [
            ("sent", counters.sent), ("accepted", counters.accepted), ("forged", counters.forged),
            ("replayed", counters.replayed), ("foreign", counters.foreign), ("malformed", counters.malformed),
            ("wrong_ttl", counters.wrongTTL),
            ("send_failed", counters.sendFailures),
        ]
        text.add("probes_total", "Probes by what became of them.", fates.map { ([("fate", $0.0)], String($0.1)) })
    }

    private static func seconds(_ time: Duration) -> String {
        let microseconds = max(0, time.wholeNanoseconds / 1000)
        return "\(microseconds / 1_000_000).\(String(microseconds % 1_000_000 + 1_000_000).dropFirst())"
    }

    private static func fraction(_ permille: Int) -> String {
        "\(permille / 1000).\(String(permille % 1000 + 1000).dropFirst())"
    }
}
