// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What one ldirectord says about its virtual servers (`status json`, schema 1).
public struct LDirectorReport: Sendable {
    /// A real server of a virtual server.
    public struct Server: Sendable {
        /// Address and port.
        public let address: String
        /// How it is reached.
        public let forward: String
        /// up, down, kept, warmup, held, drain or drained.
        public let state: String
        /// Whether connections may go to it.
        public let isUp: Bool
        /// Why it is out; empty when it is not.
        public let reason: String
        /// The weight in the kernel; nil when it is not in the table.
        public let weight: Int?
        /// The weight that ldirectord wants.
        public let wantedWeight: Int?
        /// Connections that the kernel counts there.
        public let connections: Int?
        /// How long it has been so, in seconds.
        public let since: Int?
    }

    /// A virtual server.
    public struct Service: Sendable {
        /// Protocol, address and port, or the mark.
        public let name: String
        /// Its name for people.
        public let servicename: String?
        /// The scheduler.
        public let scheduler: String
        /// Whether the kernel has it.
        public let isInKernel: Bool
        /// Why the kernel does not take it.
        public let refused: String?
        /// The fallback server, when it is in use.
        public let fallbackInUse: String?
        /// The real servers.
        public let servers: [Server]

        /// How many are up.
        public var up: Int { servers.count(where: \.isUp) }
    }

    /// The instance.
    public let instance: String
    /// The process.
    public let pid: Int
    /// How long it has run, in seconds.
    public let uptime: Int
    /// What is wrong with the file on the disk, which is therefore not in use.
    public let rejected: [String]
    /// A check that is late beyond all limits.
    public let late: String?
    /// Why the kernel's table cannot be read.
    public let kernelProblem: String?
    /// The virtual servers.
    public let services: [Service]

    /// Reads the answer; nil when it is another one.
    public init?(_ document: JSONValue) {
        guard let instance = document["instance"]?.string else {
            return nil
        }
        self.instance = instance
        pid = document["pid"]?.integer ?? 0
        uptime = document["uptime_seconds"]?.integer ?? 0
        rejected = document["rejected_configuration"]?.elements.compactMap(\.string) ?? []
        late = document["checks_late"]?.string
        kernelProblem = document["kernel_problem"]?.string
        services = (document["virtual_servers"]?.elements ?? []).map(Self.service)
    }

    private static func service(_ value: JSONValue) -> Service {
        Service(
            name: value["service"]?.string ?? "?",
            servicename: value["servicename"]?.string,
            scheduler: value["scheduler"]?.string ?? "?",
            isInKernel: value["in_kernel"]?.boolean ?? false,
            refused: value["refused"]?.string,
            fallbackInUse: value["fallback_in_use"]?.boolean == true ? value["fallback"]?.string ?? "?" : nil,
            servers: (value["real_servers"]?.elements ?? []).map(server)
        )
    }

    private static func server(_ value: JSONValue) -> Server {
        let counts = [value["active_connections"]?.integer, value["inactive_connections"]?.integer].compactMap { $0 }
        return Server(
            address: value["address"]?.string ?? "?",
            forward: value["forward"]?.string ?? "?",
            state: value["state"]?.string ?? "?",
            isUp: value["up"]?.boolean ?? false,
            reason: value["reason"]?.string ?? "",
            weight: value["kernel_weight"]?.integer,
            wantedWeight: value["weight"]?.integer,
            connections: counts.isEmpty ? nil : counts.reduce(0, +),
            since: value["since_seconds"]?.integer
        )
    }
}

/// What the heartbeat says about the links and the verdict (`status json`, schema 1).
public struct HeartbeatReport: Sendable {
    /// The way to one other director over one link.
    public struct Peer: Sendable {
        /// Its name.
        public let node: String
        /// Whether Corosync counts it as a member.
        public let isMember: Bool
        /// Whether its heartbeat is in the group.
        public let hasDaemon: Bool
        /// up, late, down or unknown, as heard here.
        public let state: String
        /// Whether we hear it.
        public let hears: Bool?
        /// Whether it hears us.
        public let isHeard: Bool?
    }

    /// One link.
    public struct Link: Sendable {
        /// Its name.
        public let name: String
        /// Our interface on it.
        public let interface: String?
        /// Our address on it.
        public let address: String?
        /// Whether it carries the service.
        public let isDesignated: Bool
        /// Whether the interface has carrier.
        public let hasCarrier: Bool?
        /// The other directors.
        public let peers: [Peer]
        /// The verdict's row and who is at fault; nil without a verdict.
        public let verdict: (reason: String, faulty: [String])?
    }

    /// Our name.
    public let node: String
    /// ok, degraded or the like.
    public let state: String
    /// The attribute that moves the service; nil when not yet published.
    public let score: Int?
    /// Why Corosync is out of reach; nil when it is not.
    public let corosyncProblem: String?
    /// The links.
    public let links: [Link]
    /// What it warns of.
    public let alarms: [String]

    /// Reads the answer; nil when it is another one.
    public init?(_ document: JSONValue) {
        guard let state = document["state"]?.string, let corosync = document["corosync"] else {
            return nil
        }
        self.state = state
        node = document["node"]?.string ?? "this node"
        score = document["score"]?.integer
        let isConnected = corosync["connected"]?.boolean ?? false
        corosyncProblem = isConnected ? nil : corosync["problem"]?.string ?? "joining the group"
        let peers = document["peers"]?.elements ?? []
        let verdicts = document["verdicts"]?.elements ?? []
        links = (document["links"]?.elements ?? []).map { Self.link($0, peers, verdicts) }
        alarms = Self.alarms(document)
    }

    private static func link(_ value: JSONValue, _ peers: [JSONValue], _ verdicts: [JSONValue]) -> Link {
        let name = value["name"]?.string ?? "?"
        let verdict = verdicts.first { $0["link"]?.string == name }
        return Link(
            name: name,
            interface: value["interface"]?.string,
            address: value["address"]?.string,
            isDesignated: value["designated"]?.boolean ?? false,
            hasCarrier: value["carrier"]?.boolean,
            peers: peers.map { peer in
                let link = peer["links"]?.elements.first { $0["name"]?.string == name }
                return Peer(
                    node: peer["node"]?.string ?? "?",
                    isMember: peer["member"]?.boolean ?? false,
                    hasDaemon: peer["daemon"]?.boolean ?? false,
                    state: link?["state"]?.string ?? "unknown",
                    hears: link?["hear"]?.boolean,
                    isHeard: link?["heard"]?.boolean
                )
            },
            verdict: verdict.map {
                ($0["reason"]?.string ?? "?", $0["faulty"]?.elements.compactMap(\.string) ?? [])
            }
        )
    }

    private static func alarms(_ document: JSONValue) -> [String] {
        let alarms = document["alarms"]
        var found: [String] = []
        for (key, text) in [("split_opinion", "another verdict on"), ("probes_blocked", "no probe arrives from")] {
            let nodes = alarms?[key]?.elements.compactMap(\.string) ?? []
            if !nodes.isEmpty {
                found.append("\(text) \(nodes.joined(separator: ", "))")
            }
        }
        if alarms?["config_mismatch"]?.boolean == true {
            found.append("other links or policy on a peer")
        }
        if let problem = alarms?["attributes"]?.string {
            found.append("attributes do not reach Pacemaker: \(problem)")
        }
        if document["guards"]?["maintenance"]?.boolean == true {
            found.append("maintenance: nothing new is published")
        }
        if let forced = document["guards"]?["forced"]?.string {
            found.append("forced by an operator: \(forced)")
        }
        return found
    }
}

/// What configsync says about the files (`status json`, schema 1).
public struct ConfigReport: Sendable {
    /// What one director has of a file.
    public struct Director: Sendable {
        /// Its name.
        public let node: String
        /// The number of its version; nil when it has none yet.
        public let version: Int?
        /// Where that was edited.
        public let editedOn: String?
        /// The content of that version.
        public let versionDigest: String?
        /// The content of the file.
        public let fileDigest: String?
        /// What keeps it from being the same, if anything.
        public let trouble: String?

        /// `7 (3fa90c11) of d1`.
        public var text: String {
            guard let version else {
                return fileDigest.map { "no version (\($0.prefix(8)))" } ?? "no file"
            }
            let edited = fileDigest == versionDigest ? "" : ", edited since"
            return "\(version) (\((versionDigest ?? "").prefix(8))) of \(editedOn ?? "?")\(edited)"
        }
    }

    /// One file.
    public struct File: Sendable {
        /// Its path.
        public let path: String
        /// synchronised, conflict and so on.
        public let condition: String
        /// The directors, this one first.
        public let directors: [Director]
        /// Conflicts in words.
        public let conflicts: [String]
    }

    /// Why the cluster is out of reach; nil when it is not.
    public let problem: String?
    /// The files.
    public let files: [File]

    /// Reads the answer; nil when it is another one.
    public init?(_ document: JSONValue) {
        guard let files = document["files"], document["joined"]?.boolean != nil else {
            return nil
        }
        problem = document["joined"]?.boolean == true ? nil : document["problem"]?.string ?? "joining the group"
        self.files = files.elements.map { file in
            File(
                path: file["path"]?.string ?? "?",
                condition: file["condition"]?.string ?? "?",
                directors: (file["directors"]?.elements ?? []).map { value in
                    Director(
                        node: value["node"]?.string ?? "?",
                        version: value["version"]?.integer,
                        editedOn: value["edited_on"]?.string,
                        versionDigest: value["version_sha256"]?.string,
                        fileDigest: value["file_sha256"]?.string,
                        trouble: value["problem"]?.string ?? value["refused"]?.string ?? value["reload"]?.string
                    )
                },
                conflicts: file["conflicts"]?.elements.compactMap(\.string) ?? []
            )
        }
    }
}

/// What the relay says (`status json`, schema 1).
public struct RelayReport: Sendable {
    /// In words: in the group, or what is broken.
    public let state: String
    /// Whether it is in the group and works.
    public let isWorking: Bool
    /// cpg or udp.
    public let transport: String
    /// Connections that were taken from the kernel and given to it.
    public let captured: Int
    /// See above.
    public let injected: Int
    /// Losses by name, those that are not zero.
    public let losses: [(name: String, count: Int)]
    /// The last resync: from which node, how many connections, how long it took and how long ago; nil when there was none.
    public let resync: (node: Int, records: Int, took: Duration, age: Duration, isComplete: Bool)?
    /// The other relays: node, connections there, and those opened there.
    public let peers: [(node: Int, connections: Int, own: Int?)]

    /// Reads the answer; nil when it is another one.
    public init?(_ document: JSONValue) {
        guard let state = document["state"]?.string, let joined = document["joined"]?.boolean,
            document["captured"] != nil
        else {
            return nil
        }
        self.state = state
        isWorking = joined && (document["problems"]?.elements.isEmpty ?? true)
        transport = document["transport"]?.string ?? "?"
        captured = document["captured"]?["records"]?.integer ?? 0
        injected = document["injected"]?["records"]?.integer ?? 0
        losses = (document["losses"]?.members ?? []).compactMap { name, value in
            value.integer.flatMap { $0 > 0 ? (name, $0) : nil }
        }
        if let last = document["resync"]?["last"], let node = last["node"]?.integer {
            resync = (
                node, last["records"]?.integer ?? 0, last["took_s"]?.seconds ?? .zero, last["age_s"]?.seconds ?? .zero,
                last["complete"]?.boolean ?? false
            )
        } else {
            resync = nil
        }
        peers = (document["peers"]?.elements ?? []).map {
            ($0["node"]?.integer ?? 0, $0["connections"]?.integer ?? 0, $0["own_connections"]?.integer)
        }
    }
}
