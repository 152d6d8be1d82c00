// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// How a relay stands, as text for people and as JSON for programs.
struct RelayReport {
    private let engine: RelayEngine
    private let configuration: RelayConfiguration
    private let version: String
    private let problems: [String]
    private let outboxDrops: UInt64
    private let tapDrops: UInt64
    private let overruns: UInt64
    private let injectionDrops: UInt64
    private let injectionFailures: UInt64
    private let kernelDrops: UInt64?
    private let badDatagrams: UInt64
    private let now: SuspendingClock.Instant

    init(_ daemon: RelayDaemon, outboxDrops: UInt64, now: SuspendingClock.Instant) {
        engine = daemon.engine
        configuration = daemon.configuration
        version = daemon.version
        problems =
            ([daemon.tapProblem, daemon.injectionProblem] + (daemon.datagrams?.problems ?? [])).filter { !$0.isEmpty }
        self.outboxDrops = outboxDrops
        daemon.tap?.countDrops()
        tapDrops = daemon.oldTapDrops + (daemon.tap?.drops ?? 0)
        overruns = daemon.overruns
        injectionDrops = daemon.injection?.drops ?? 0
        injectionFailures = daemon.injection?.failures ?? 0
        kernelDrops = KernelReceiver.read(configuration.group, port: configuration.port)?.drops
        badDatagrams = daemon.datagrams?.refused ?? 0
        self.now = now
    }

    /// `joined`, or `not-joined SECONDS REASON`; or `broken REASON` when the kernel's side does not work.
    var ping: String {
        if let problem = problems.first {
            return "broken \(problem)"
        }
        guard engine.node == nil else {
            return "joined"
        }
        return "not-joined \((now - engine.stateSince).milliseconds() / 1000) \(engine.separation)"
    }

    private var state: String {
        if !problems.isEmpty {
            return "broken: " + problems.joined(separator: "; ")
        }
        guard let node = engine.node else {
            return "not in the group for \((now - engine.stateSince).milliseconds() / 1000) s: \(engine.separation)"
        }
        return "in the group as node \(node), \(engine.peers.count) other\(engine.peers.count == 1 ? "" : "s")"
    }

    private var resync: String {
        if let progress = engine.planner.progress {
            return "node \(progress.target) tells \(progress.scope) connections, \(progress.records) so far"
        }
        guard let last = engine.planner.last else {
            return "none so far"
        }
        let age = (now - last.ended).milliseconds() / 1000
        let time = (last.ended - last.began).milliseconds()
        let lost = last.missingParts > 0 ? ", \(last.missingParts) parts lost" : ""
        return "node \(last.target) told \(last.records) connections in \(time) ms, \(age) s ago"
            + ", \(last.spared) known better here\(lost)\(last.isComplete ? "" : ", not to the end")"
    }

    /// One screen.
    var text: String {
        let counts = engine.statistics
        let delivery = engine.deliveryTime.map { ", back in \($0.secondsText) s" } ?? ""
        var lines = [
            "syncrelay \(version): \(state)",
            "from the kernel   \(configuration.captureInterface), syncid \(configuration.settings.syncID): "
                + "\(counts.capturedRecords) connections in \(counts.capturedDatagrams) datagrams",
            "sent by \(configuration.transport.rawValue)       \(counts.sentBytes) bytes in \(counts.sentEnvelopes) envelopes\(delivery)",
            "to the kernel     \(configuration.injectionInterface), syncid \(configuration.settings.backupSyncID): "
                + "\(counts.injectedRecords) connections in \(counts.injectedDatagrams) datagrams"
                + (configuration.settings.services.takesAll
                    ? "" : ", \(counts.unwantedRecords) of other services left out"),
            "last resync       \(resync)",
            "told to others    \(counts.snapshotRecordsSent) connections, \(counts.snapshotEntriesSkipped) entries left out",
        ]
        for (node, peer) in engine.peers.sorted(by: { $0.key < $1.key }) {
            let age = (now - peer.heardAt).milliseconds()
            let all = peer.totalConnections > 0 ? "\(peer.totalConnections) connections, " : ""
            let local = peer.localConnections.map { "\($0) own of \(peer.totalConnections) connections, " } ?? all
            lines.append(
                "node \(node)            \(local)\(peer.records) received, \(peer.sequence.missing) envelopes missing, "
                    + "\(peer.sequence.duplicates) repeated, heard \(age) ms ago"
            )
        }
        let losses = self.losses.filter { $0.1 > 0 }.map {
            "\($0.0.split(separator: "_").joined(separator: " ")) \($0.1)"
        }
        lines.append("losses            " + (losses.isEmpty ? "none" : losses.joined(separator: ", ")))
        return lines.joined(separator: "\n") + "\n"
    }

    private var losses: [(String, UInt64)] {
        let counts = engine.statistics
        return [
            ("malformed", counts.malformed), ("foreign", counts.foreign), ("echoes", counts.echoes),
            ("without_peers", counts.unsent), ("refreshes_saved", counts.savedRefreshes),
            ("envelopes_dropped", counts.droppedEnvelopes + outboxDrops), ("records_dropped", counts.droppedRecords),
            ("envelopes_bad", counts.badEnvelopes + badDatagrams), ("tap_drops", tapDrops),
            ("messages_overrun", overruns),
            ("injection_drops", injectionDrops), ("injection_failures", injectionFailures),
            ("kernel_drops", kernelDrops ?? 0),
        ]
    }

    /// The same for programs; the schema's number changes when a member does.
    var json: String {
        let counts = engine.statistics
        let peers: [JSONValue] = engine.peers.sorted { $0.key < $1.key }.map { node, peer in
            .object([
                ("node", number(UInt64(node))),
                ("own_connections", .optional(peer.localConnections.map(Int.init))),
                ("connections", number(UInt64(peer.totalConnections))),
                ("records", number(peer.records)), ("datagrams", number(peer.datagrams)),
                ("envelopes", number(peer.sequence.received)), ("missing", number(peer.sequence.missing)),
                ("repeated", number(peer.sequence.duplicates)), ("heard_s", .decimal(now - peer.heardAt)),
            ])
        }
        let state: [(String, JSONValue)] = [
            ("schema", .number(1)), ("version", .string(version)),
            ("joined", .boolean(engine.node != nil)), ("node", .optional(engine.node.map(Int.init))),
            ("state", .string(self.state)), ("since_s", .decimal(now - engine.stateSince)),
            ("transport", .string(configuration.transport.rawValue)),
            ("problems", .array(problems.map(JSONValue.string))),
        ]
        let flow: [(String, JSONValue)] = [
            ("captured", pair(counts.capturedRecords, counts.capturedDatagrams)),
            (
                "sent",
                .object([("envelopes", number(counts.sentEnvelopes)), ("bytes", number(counts.sentBytes))])
            ),
            ("delivery_s", engine.deliveryTime.map(JSONValue.decimal) ?? .null),
            ("injected", pair(counts.injectedRecords, counts.injectedDatagrams)),
            ("unwanted", number(counts.unwantedRecords)),
            ("losses", .object(losses.map { ($0.0, number($0.1)) })),
            ("resync", resyncJSON),
            (
                "told",
                .object([
                    ("records", number(counts.snapshotRecordsSent)),
                    ("skipped", number(counts.snapshotEntriesSkipped)),
                    ("from_memory", number(counts.snapshotsRemembered)),
                ])
            ),
            ("peers", .array(peers)),
        ]
        return JSONValue.object(state + flow).text
    }

    private var resyncJSON: JSONValue {
        let running = engine.planner.progress
        guard let shown = running ?? engine.planner.last else {
            return .object([("settled", .boolean(engine.planner.isSettled)), ("last", .null)])
        }
        return .object([
            ("settled", .boolean(engine.planner.isSettled)),
            ("running", .boolean(running != nil)),
            (
                "last",
                .object([
                    ("node", number(UInt64(shown.target))), ("scope", .string("\(shown.scope)")),
                    ("records", number(shown.records)), ("spared", number(shown.spared)),
                    ("skipped", number(UInt64(shown.skipped))),
                    ("missing_parts", number(UInt64(shown.missingParts))),
                    ("complete", .boolean(shown.isComplete)),
                    ("took_s", .decimal(shown.ended - shown.began)), ("age_s", .decimal(now - shown.ended)),
                ])
            ),
        ])
    }

    private func pair(_ records: UInt64, _ datagrams: UInt64) -> JSONValue {
        .object([("records", number(records)), ("datagrams", number(datagrams))])
    }

    private func number(_ value: UInt64) -> JSONValue { .number(Int(clamping: value)) }
}
