// SPDX-License-Identifier: Apache-2.0

/// A virtual service with its real servers, as wanted or as found.
public struct ServiceEntry: Hashable, Sendable {
    /// The service.
    public var service: VirtualService

    /// Its real servers; the order has no meaning.
    public var destinations: [Destination]

    /// Joins a service and its servers.
    public init(_ service: VirtualService, destinations: [Destination] = []) {
        self.service = service
        self.destinations = destinations
    }
}

/// A real server as the kernel reports it.
public struct ObservedDestination: Hashable, Sendable {
    /// Its configuration.
    public var destination: Destination
    /// Connections in an established state.
    public var activeConnections: UInt32
    /// Connections in any other state.
    public var inactiveConnections: UInt32
    /// Persistence templates.
    public var persistentConnections: UInt32
    /// Counters and rates.
    public var statistics: TrafficStatistics

    /// Describes an observation.
    public init(
        _ destination: Destination,
        activeConnections: UInt32 = 0,
        inactiveConnections: UInt32 = 0,
        persistentConnections: UInt32 = 0,
        statistics: TrafficStatistics = TrafficStatistics()
    ) {
        self.destination = destination
        self.activeConnections = activeConnections
        self.inactiveConnections = inactiveConnections
        self.persistentConnections = persistentConnections
        self.statistics = statistics
    }
}

/// A virtual service as the kernel reports it.
public struct ObservedService: Hashable, Sendable {
    /// Its configuration.
    public var service: VirtualService
    /// Counters and rates.
    public var statistics: TrafficStatistics
    /// Its real servers.
    public var destinations: [ObservedDestination]

    /// Describes an observation.
    public init(
        _ service: VirtualService,
        statistics: TrafficStatistics = TrafficStatistics(),
        destinations: [ObservedDestination] = []
    ) {
        self.service = service
        self.statistics = statistics
        self.destinations = destinations
    }

    /// The configuration alone.
    public var entry: ServiceEntry {
        ServiceEntry(service, destinations: destinations.map(\.destination))
    }
}
