// SPDX-License-Identifier: Apache-2.0
import IPVS
public import LinuxKit

extension DirectorSnapshot {
    /// What the daemons of a director said themselves, as JSON; nil where one said nothing.
    public struct Documents: Sendable {
        /// Every ldirectord's.
        public var ldirectors: [JSONValue] = []
        /// The heartbeat's.
        public var heartbeat: JSONValue?
        /// configsync's.
        public var config: JSONValue?
        /// The relay's.
        public var relay: JSONValue?

        /// None.
        public init() {}
    }

    /// The state as one document, schema 1; what daemons said is in it as they said it.
    public func document(_ said: Documents) -> JSONValue {
        .object([
            ("schema", .number(1)),
            ("host", .string(host)),
            ("addresses", addressValue),
            ("ldirectord", .array(said.ldirectors)),
            ("heartbeat", said.heartbeat ?? .null),
            ("sync", syncValue(said.relay)),
            ("config", said.config ?? .null),
            ("attention", .array(attention.map(JSONValue.string))),
            ("absent", .object(absences)),
        ])
    }

    /// The part of it that is about synchronisation.
    public func syncDocument(_ said: Documents) -> JSONValue {
        .object([
            ("schema", .number(1)), ("host", .string(host)), ("sync", syncValue(said.relay)),
            ("config", said.config ?? .null), ("warnings", .array(syncWarnings.map(JSONValue.string))),
        ])
    }

    private var absences: [(String, JSONValue)] {
        let parts = [("heartbeat", heartbeat.absence), ("configsync", config.absence), ("syncrelay", relay.absence)]
        var found = parts.compactMap { name, reason in reason.map { (name, JSONValue.string($0)) } }
        if ldirectors.isEmpty {
            found.append(("ldirectord", .string("not running")))
        }
        for (instance, report) in ldirectors {
            if let absence = report.absence {
                found.append(("ldirectord \(instance)", .string(absence)))
            }
        }
        if case .failure(let unknown) = kernel {
            found.append(("ipvs", .string(unknown.reason)))
        }
        return found
    }

    private var addressValue: JSONValue {
        guard case .success(let held) = addresses else {
            return .null
        }
        let virtual = virtualAddresses
        return .array(
            held.map { one in
                .object([
                    ("address", .string("\(one.address)")), ("prefix", .number(one.prefix)),
                    ("interface", .string(one.interface)), ("usable", .boolean(one.isUsable)),
                    ("virtual", .boolean(virtual.contains(one.address))),
                ])
            }
        )
    }

    private func syncValue(_ relay: JSONValue?) -> JSONValue {
        let list = daemons.map { daemon in
            JSONValue.object([
                ("role", .string("\(daemon.role)")), ("interface", .string(daemon.interface)),
                ("syncid", .number(Int(daemon.syncID))),
                ("maxlen", .optional(daemon.maximumLength.map { Int($0) })),
                ("group", .string("\(daemon.group ?? SyncDaemon.defaultGroup)")),
                ("port", .number(Int(daemon.port ?? SyncDaemon.defaultPort))),
            ])
        }
        return .object([
            ("daemons", .array(list)),
            (
                "connections",
                connections.map {
                    .object([
                        ("local", .number($0.local)), ("synchronised", .number($0.synchronised)),
                        ("partial", .boolean($0.isPartial)),
                        ("age_s", $0.age.map(JSONValue.decimal) ?? .decimal(.zero)),
                    ])
                } ?? .null
            ),
            ("udp_receive_errors", .optional(datagrams?.all)),
            ("udp_without_room", .optional(datagrams?.withoutRoom)),
            ("sync_socket_drops", .optional(datagrams?.syncSocket)),
            ("settings", .object(settings.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
            ("wanted", .array(intents.map(intentValue))),
            ("relay", relay ?? .null),
        ])
    }

    private func intentValue(_ instance: String, _ intent: SyncIntent) -> JSONValue {
        .object([
            ("resource", .string(instance)),
            (
                "daemons",
                .array(
                    intent.daemons.map {
                        .object([
                            ("role", .string("\($0.role)")), ("interface", .string($0.interface)),
                            ("syncid", .number(Int($0.syncID))),
                        ])
                    }
                )
            ),
            ("settings", .object(intent.settings.map { ($0.name, .string($0.value)) })),
            ("pending", .array(intent.pending.sorted().map(JSONValue.string))),
        ])
    }
}
