// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// What was seen of the kernel's sync datagrams on an interface, by their senders: the kernel's protocol has no numbers, so that a
/// loss shows only where what one director sent is compared with what another one received.
public struct SyncObservation: Equatable, Sendable {
    /// The datagrams of one sender.
    public struct Flow: Equatable, Sendable {
        /// Datagrams that the kernel's receiver would take.
        public internal(set) var datagrams: UInt64 = 0
        /// Connections in them.
        public internal(set) var records: UInt64 = 0
        /// Bytes of them.
        public internal(set) var bytes: UInt64 = 0
        /// Datagrams that it would not take.
        public internal(set) var malformed: UInt64 = 0
        /// The ids of the groups of directors.
        public internal(set) var syncIDs: Set<UInt8> = []
    }

    /// Who sent, and whether that is this director.
    public struct Sender: Hashable, Sendable {
        /// The source address.
        public let address: IPAddress
        /// Whether the datagrams left here.
        public let isLocal: Bool

        /// Joins them.
        public init(_ address: IPAddress, isLocal: Bool) {
            self.address = address
            self.isLocal = isLocal
        }
    }

    /// What was seen of each.
    public private(set) var flows: [Sender: Flow] = [:]

    /// A flood of forged sources must not fill the memory: what is beyond is only counted.
    private static let mostSenders = 256

    /// Datagrams of senders that there was no place for.
    public private(set) var others: UInt64 = 0

    /// Nothing yet.
    public init() {}

    /// Counts a datagram.
    public mutating func take(_ payload: [UInt8], from sender: Sender) {
        guard flows[sender] != nil || flows.count < Self.mostSenders else {
            others += 1
            return
        }
        var flow = flows[sender] ?? Flow()
        if let datagram = try? SyncDatagram(payload) {
            flow.datagrams += 1
            flow.records += UInt64(datagram.records.count)
            flow.bytes += UInt64(payload.count)
            flow.syncIDs.insert(datagram.syncID)
        } else {
            flow.malformed += 1
        }
        flows[sender] = flow
    }

    /// The senders, ourselves first.
    public var senders: [(Sender, Flow)] {
        flows.sorted {
            $0.key.isLocal != $1.key.isLocal
                ? $0.key.isLocal : $0.key.address.bytes.lexicographicallyPrecedes($1.key.address.bytes)
        }.map { ($0.key, $0.value) }
    }
}
