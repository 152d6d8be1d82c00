// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What /etc/vervet/heartbeat.conf can say; every part has a default, so that no file is needed.
public struct HeartbeatConfiguration: Equatable, Sendable {
    /// Where the file is looked for when nothing else is said.
    public static let defaultPath = "/etc/vervet/heartbeat.conf"

    /// Where the control socket is when nothing else is said.
    public static let defaultControlPath = "/run/vervet/heartbeat.sock"

    /// What is said about one link.
    public struct Link: Equatable, Sendable {
        /// The name in attributes and status.
        public var name: String

        /// Whether it carries the service.
        public var isDesignated: Bool

        /// What it adds to the score while it is healthy.
        public var weight: Int

        /// Time to live of its probes; nil for that of all links.
        public var ttl: UInt8?

        /// Its UDP port; nil to count from link 0.
        public var port: UInt16?

        /// Links of one group stand in for each other: only the heaviest healthy one of them counts; nil for none.
        public var group: String?

        /// The interface that it is on; nil for the one that has its address.
        public var interface: String?

        /// Joins the parts.
        public init(
            name: String,
            isDesignated: Bool,
            weight: Int,
            ttl: UInt8? = nil,
            port: UInt16? = nil,
            group: String? = nil,
            interface: String? = nil
        ) {
            self.name = name
            self.isDesignated = isDesignated
            self.weight = weight
            self.ttl = ttl
            self.port = port
            self.group = group
            self.interface = interface
        }
    }

    /// Ping targets that count as one: it answers while any of them does.
    public struct PingGroup: Equatable, Sendable {
        /// The name in status and metrics.
        public var name: String

        /// Its members, at least one.
        public var targets: [IPAddress]

        /// Joins the parts.
        public init(name: String, targets: [IPAddress]) {
            self.name = name
            self.targets = targets
        }
    }

    /// Where the secret of the probes comes from.
    public enum Authentication: Equatable, Sendable {
        /// /etc/vervet/authkey when it exists, else /etc/corosync/authkey.
        case automatic
        /// This file.
        case file(String)
        /// Probes are not authenticated.
        case none
    }

    /// A service that needs certain links only: its own score is the attribute `hb-score-NAME`.
    public struct Service: Equatable, Sendable {
        /// The name in the attribute.
        public var name: String

        /// The designated links it needs.
        public var links: [UInt8]

        /// Joins the parts.
        public init(name: String, links: [UInt8]) {
            self.name = name
            self.links = links
        }
    }

    /// Where knowledge about links comes from.
    public enum Evidence: String, Equatable, Sendable, CaseIterable {
        /// Carrier and address of our own interfaces.
        case carrier
        /// Our own probes.
        case probes
        /// Corosync's links.
        case knet
        /// Ping targets.
        case pings
    }

    /// Evidence that is switched off.
    public var disabledEvidence: Set<Evidence> = []

    /// Whether a source of evidence is used.
    public func uses(_ evidence: Evidence) -> Bool { !disabledEvidence.contains(evidence) }

    /// The account the daemon runs as once all is opened; nil to stay who it is.
    public var user: String?

    /// Times and limits.
    public var timers = LinkTimers()

    /// Links that are described; all others have defaults.
    public var links: [UInt8: Link] = [:]

    /// Addresses of nodes on links, by their names, in the place of those of Corosync's node list.
    public var addresses: [UInt8: [String: IPAddress]] = [:]

    /// Ping targets of each link.
    public var pings: [UInt8: [IPAddress]] = [:]

    /// Ping groups of each link.
    public var pingGroups: [UInt8: [PingGroup]] = [:]

    /// Whether the default gateway of a designated link's interface is pinged when it has no other target.
    public var hasImplicitPing = true

    /// Services with a score of their own.
    public var services: [Service] = []

    /// How long the heartbeat of a member may be gone without a word until the others say so for it.
    public var daemonGrace = Duration.seconds(30)

    /// Whether a member whose heartbeat is lost gets the score of the worst other one; else its own stays.
    public var isLossNeutral = false

    /// Whether the attributes are deleted when the heartbeat ends; else they stay, and nothing moves.
    public var deletesAtStop = false

    /// By which rules two nodes decide.
    public enum Policy: String, Sendable, CaseIterable {
        /// The truth table: who hears whom, and pings.
        case table
        /// As ipfail of Linux-HA: by the numbers of answering ping targets alone.
        case ipfail
    }

    /// By which rules two nodes decide.
    public var policy = Policy.table

    /// How many more targets must answer elsewhere to accuse a node that is heard.
    public var pingDelta = 1

    /// The real-time priority (SCHED_RR) of the threads that keep time, 1 to 10; nil for none.
    public var priority: Int? = 5

    /// UDP port of link 0; the others follow.
    public var port: UInt16 = 6940

    /// Time to live (IPv6: hop limit) of the probes.
    ///
    /// 1 where the peers share a network, as many more as routers are between them. What arrives with a greater one was
    /// not sent by a peer.
    public var ttl: UInt8 = 1

    /// Authentication of the probes.
    public var authentication = Authentication.automatic

    /// Whether lines of the log also go to this file; nil for none.
    public var logFile: String?

    /// The least important lines that are logged.
    public var logLevel = LogLevel.info

    /// Where the figures can be fetched by HTTP; nil for nowhere.
    public var metrics: MetricsEndpoint?

    /// The control socket.
    public var controlPath = HeartbeatConfiguration.defaultControlPath

    /// The file that a running daemon holds locked, with its process: beside the control socket.
    public var processPath: String { Self.processPath(besides: controlPath) }

    /// The file of the process that belongs to a control socket: `.pid` instead of `.sock`.
    public static func processPath(besides controlPath: String) -> String {
        (controlPath.hasSuffix(".sock") ? String(controlPath.dropLast(5)) : controlPath) + ".pid"
    }

    /// The defaults: link 0 carries the service, all others support.
    public init() {}

    /// The settings of a link.
    public func settings(ofLink link: UInt8) -> Link {
        if let described = links[link] {
            return described
        }
        let isDesignated = link == 0 && !links.values.contains(where: \.isDesignated)
        return Link(name: String(link), isDesignated: isDesignated, weight: isDesignated ? 1000 : 0)
    }

    /// The link's name.
    public func name(ofLink link: UInt8) -> String { settings(ofLink: link).name }

    /// The link's weight.
    public func weight(ofLink link: UInt8) -> Int { settings(ofLink: link).weight }

    /// The UDP port of a link.
    public func port(ofLink link: UInt8) -> UInt16 { settings(ofLink: link).port ?? port + UInt16(link) }

    /// The time to live of a link's probes.
    public func ttl(ofLink link: UInt8) -> UInt8 { settings(ofLink: link).ttl ?? ttl }

    /// What links add to the score together.
    ///
    /// - Parameter healthy: The healthy ones.
    /// - Returns: The sum of their weights, of each group only the greatest.
    public func weight(ofHealthy healthy: [UInt8]) -> Int {
        var sum = 0
        var groups: [String: Int] = [:]
        for link in healthy.map(settings(ofLink:)) {
            if let group = link.group {
                groups[group] = max(groups[group] ?? 0, link.weight)
            } else {
                sum += link.weight
            }
        }
        return groups.values.reduce(sum, +)
    }

    /// All that is pinged on a link, each target once; nil when nothing was said about it.
    public func pingTargets(ofLink link: UInt8) -> [IPAddress]? {
        guard pings[link] != nil || pingGroups[link] != nil else {
            return nil
        }
        var seen: Set<IPAddress> = []
        return ((pings[link] ?? []) + (pingGroups[link] ?? []).flatMap(\.targets)).filter { seen.insert($0).inserted }
    }

    /// Those of `links` that carry the service.
    public func designatedLinks(of links: [UInt8]) -> [UInt8] {
        links.filter { settings(ofLink: $0).isDesignated }
    }

    /// FNV-1a of what must be the same on all nodes: links and policy.
    public var hash: UInt64 {
        // What an interface is called is each node's own matter.
        let common = links.mapValues { link in
            var link = link
            link.interface = nil
            return link
        }
        let parts =
            common.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" } + ["\(pingDelta)", "\(timers)"]
            + addressListing.map(\.value)
            + services.map { "\($0)" } + (isLossNeutral ? ["neutral"] : [])
            + (policy == .table ? [] : ["policy \(policy)"]) + (ttl == 1 ? [] : ["ttl \(ttl)"])
        return Self.digest(parts)
    }

    /// FNV-1a of the policy alone, which is part of ``hash``: of two configurations it tells what differs.
    public var policyDigest: UInt64 {
        Self.digest(
            ["\(pingDelta)", "\(timers)"] + services.map { "\($0)" } + (isLossNeutral ? ["neutral"] : [])
                + (policy == .table ? [] : ["policy \(policy)"])
        )
    }

    private static func digest(_ parts: [String]) -> UInt64 {
        parts.joined(separator: "\n").utf8.reduce(0xcbf2_9ce4_8422_2325) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
    }
}
