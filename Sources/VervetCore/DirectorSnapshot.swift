// SPDX-License-Identifier: Apache-2.0
public import IPVS
public import LinuxKit

/// Everything that was found out about this director at one moment.
public struct DirectorSnapshot: Sendable {
    /// An address on an interface.
    public struct HeldAddress: Hashable, Sendable {
        /// The address.
        public let address: IPAddress
        /// The length of its prefix.
        public let prefix: Int
        /// The interface.
        public let interface: String
        /// Whether the interface is up and has carrier.
        public let isUsable: Bool

        /// Describes an address.
        public init(_ address: IPAddress, prefix: Int, interface: String, isUsable: Bool) {
            self.address = address
            self.prefix = prefix
            self.interface = interface
            self.isUsable = isUsable
        }
    }

    /// What the kernel says about IPVS.
    public struct Kernel: Sendable {
        /// The virtual services.
        public var services: [ObservedService]
        /// The sync daemons.
        public var daemons: [SyncDaemon]

        /// Describes the kernel's answers.
        public init(services: [ObservedService] = [], daemons: [SyncDaemon] = []) {
            self.services = services
            self.daemons = daemons
        }
    }

    /// The machine's name.
    public var host: String
    /// The time of day, for people.
    public var clock: String
    /// The addresses, or why they are unknown.
    public var addresses: Result<[HeldAddress], Unknown>
    /// The kernel's table and daemons, or why they are unknown.
    public var kernel: Result<Kernel, Unknown>
    /// Every ldirectord that runs, by its instance.
    public var ldirectors: [(instance: String, report: Part<LDirectorReport>)]
    /// The heartbeat.
    public var heartbeat: Part<HeartbeatReport>
    /// The configuration's synchronisation.
    public var config: Part<ConfigReport>
    /// The relay.
    public var relay: Part<RelayReport>
    /// Connections by their origin; nil when the kernel has no such table.
    public var connections: ConnectionCount?
    /// Receive errors; nil when there is no backup daemon.
    public var datagrams: DatagramErrors?
    /// Settings under net.ipv4.vs that the kernel has, by name.
    public var settings: [String: String]
    /// What the resources of `ocf:vervet:syncd` in this network namespace want, by their instance.
    public var intents: [(instance: String, intent: SyncIntent)]
    /// The largest receive buffer that a socket may ask for, in bytes.
    public var receiveBufferLimit: Int?
    /// /proc/net/igmp.
    public var igmp: String

    /// Why something is not known.
    public struct Unknown: Error, Hashable, Sendable {
        /// A few words.
        public let reason: String

        /// Keeps the words.
        public init(_ reason: String) { self.reason = reason }
    }

    /// Starts with nothing known.
    public init(host: String, clock: String = "") {
        self.host = host
        self.clock = clock
        addresses = .success([])
        kernel = .failure(Unknown("not asked"))
        ldirectors = []
        heartbeat = .notRunning
        config = .notRunning
        relay = .notRunning
        settings = [:]
        intents = []
        igmp = ""
    }

    /// The virtual addresses of all services, in ldirectord's or the kernel's table; the agent's own loopback ones excepted.
    public var virtualAddresses: Set<IPAddress> {
        var found: Set<IPAddress> = []
        for case .address(_, let address, _) in kernelServices.map(\.service.key) {
            found.insert(address)
        }
        for service in ldirectors.compactMap(\.report.value).flatMap(\.services) {
            // `tcp 10.0.0.1:80`, `tcp [2001:db8::1]:80`, or a mark.
            let place = service.name.split(separator: " ").last ?? ""
            if let colon = place.lastIndex(of: ":"),
                let address = IPAddress(String(place[..<colon].filter { $0 != "[" && $0 != "]" }))
            {
                found.insert(address)
            }
        }
        return found
    }

    /// The kernel's services without those that belong to the sync daemons' own nudging (127.0.0.0/8).
    public var kernelServices: [ObservedService] {
        guard case .success(let kernel) = kernel else {
            return []
        }
        return kernel.services.filter {
            guard case .address(_, let address, _) = $0.service.key else {
                return true
            }
            return !(address.family == .ipv4 && address.bytes.first == 127)
        }
    }

    /// The sync daemons that run.
    public var daemons: [SyncDaemon] {
        guard case .success(let kernel) = kernel else {
            return []
        }
        return kernel.daemons.sorted { $0.role.rawValue < $1.role.rawValue }
    }
}
