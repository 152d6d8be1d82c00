// SPDX-License-Identifier: Apache-2.0

/// One step from one table to another.
public enum TableChange: Hashable, Sendable, CustomStringConvertible {
    /// Create a service.
    case addService(VirtualService)
    /// Change a service in place; its servers, connections and counters stay.
    case editService(VirtualService)
    /// Remove a service with its servers.
    case removeService(VirtualServiceKey)
    /// Create a real server.
    case addDestination(Destination, to: VirtualServiceKey)
    /// Change a real server in place; its connections and counters stay.
    case editDestination(Destination, of: VirtualServiceKey)
    /// Remove a real server.
    case removeDestination(Destination.Key, from: VirtualServiceKey)

    /// The service that is concerned.
    public var serviceKey: VirtualServiceKey {
        switch self {
        case .addService(let service), .editService(let service): service.key
        case .removeService(let key): key
        case .addDestination(_, let key), .editDestination(_, let key), .removeDestination(_, let key): key
        }
    }

    /// One line for a log: what is done, to what.
    public var description: String { "\(operation) \(subject)" }

    /// What is done.
    var operation: String {
        switch self {
        case .addService: "add service"
        case .editService: "edit service"
        case .removeService: "remove service"
        case .addDestination: "add real server"
        case .editDestination: "edit real server"
        case .removeDestination: "remove real server"
        }
    }

    /// To what it is done.
    var subject: String {
        switch self {
        case .addService(let service), .editService(let service): "\(service.key) scheduler \(service.scheduler)"
        case .removeService(let key): "\(key)"
        case .addDestination(let destination, let key), .editDestination(let destination, let key):
            "\(destination.key) weight \(destination.weight) of \(key)"
        case .removeDestination(let destination, let key): "\(destination) of \(key)"
        }
    }
}
