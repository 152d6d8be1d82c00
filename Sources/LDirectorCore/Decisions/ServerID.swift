// SPDX-License-Identifier: Apache-2.0
public import IPVS

/// One real server in one virtual service.
public struct ServerID: Hashable, Sendable {
    /// The virtual service.
    public var service: VirtualServiceKey

    /// The server in it.
    public var destination: Destination.Key

    /// Joins both.
    public init(_ service: VirtualServiceKey, _ destination: Destination.Key) {
        self.service = service
        self.destination = destination
    }
}
