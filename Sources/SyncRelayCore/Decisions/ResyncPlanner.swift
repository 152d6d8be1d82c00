// SPDX-License-Identifier: Apache-2.0

/// Decides whom to ask for which connections: after our own start everything from the director that knows most, and from
/// every director that we have not heard for a while what was opened there.
public struct ResyncPlanner: Sendable {
    /// A request to be sent.
    public struct Request: Equatable, Sendable {
        /// Our number of it.
        public let number: UInt32
        /// Who is asked.
        public let target: UInt32
        /// For what.
        public let scope: RelayEnvelope.Scope
    }

    /// How the last request that ended did.
    public struct Outcome: Equatable, Sendable {
        /// Who was asked.
        public let target: UInt32
        /// For what.
        public let scope: RelayEnvelope.Scope
        /// Records that came.
        public internal(set) var records: UInt64 = 0
        /// Records that were not used: known better here.
        public internal(set) var spared: UInt64 = 0
        /// Entries that the sender could not tell.
        public internal(set) var skipped: UInt32 = 0
        /// Parts that were sent and have not come.
        public internal(set) var missingParts: UInt32 = 0
        /// Whether the end came.
        public internal(set) var isComplete = false
        /// When it was asked for.
        public let began: SuspendingClock.Instant
        /// When it ended.
        public internal(set) var ended: SuspendingClock.Instant
    }

    private struct Peer {
        var local: UInt32?
        var total: UInt32 = 0
        var isFresh = true
        var failures = 0
    }

    /// After a start the others' counts are waited for so long.
    private static let introduction = Duration.milliseconds(500)
    /// A request without progress for so long has failed; who is asked may have to read its own table for another first.
    private static let patience = Duration.seconds(10)
    private static let mostFailures = 3

    private var peers: [UInt32: Peer] = [:]
    private var needsAll = true
    private var joinedAt: SuspendingClock.Instant?
    private var lastNumber: UInt32
    private var partsReceived: UInt32 = 0
    private var lastProgress: SuspendingClock.Instant?

    /// The request that is being answered.
    public private(set) var current: Request?

    /// How it stands.
    public private(set) var progress: Outcome?

    /// The last one that ended.
    public private(set) var last: Outcome?

    /// Begins.
    ///
    /// - Parameter firstNumber: Where to count requests from, different at every start.
    public init(firstNumber: UInt32) {
        lastNumber = firstNumber
    }

    /// Whether everything that was wanted has come or was given up.
    public var isSettled: Bool {
        current == nil && !(needsAll && !peers.isEmpty) && !peers.values.contains { $0.isFresh }
    }

    /// We are in the group (again).
    public mutating func joined(at now: SuspendingClock.Instant) {
        joinedAt = now
        needsAll = true
    }

    /// We have left the group: nobody answers any more.
    public mutating func separated(at now: SuspendingClock.Instant) {
        joinedAt = nil
        peers = [:]
        end(at: now)
    }

    /// The other members of the group; those that are new may have sent what we have not heard.
    public mutating func members(_ nodes: [UInt32], at now: SuspendingClock.Instant) {
        peers = peers.filter { nodes.contains($0.key) }
        for node in nodes where peers[node] == nil {
            peers[node] = Peer()
        }
        if let current, peers[current.target] == nil {
            fail(at: now)
        }
    }

    /// A member told how many connections it has.
    public mutating func counted(_ node: UInt32, local: UInt32, total: UInt32) {
        peers[node]?.local = local
        peers[node]?.total = total
    }

    /// Something that a member sent was lost: what was opened there is asked for again.
    public mutating func lost(from node: UInt32) {
        guard var peer = peers[node] else {
            return
        }
        peer.isFresh = true
        peer.failures = 0
        // However few it counted last, there was something.
        peer.local = max(1, peer.local ?? 1)
        peers[node] = peer
    }

    /// Gives the request that is to be sent now, if any.
    public mutating func next(at now: SuspendingClock.Instant) -> Request? {
        if let lastProgress, current != nil, now - lastProgress > Self.patience {
            fail(at: now)
        }
        guard current == nil, let joinedAt, !peers.isEmpty else {
            return nil
        }
        if needsAll {
            let areAllCounted = peers.values.allSatisfy { $0.local != nil }
            guard areAllCounted || now - joinedAt > Self.introduction, peers.values.contains(where: { $0.local != nil })
            else {
                return nil
            }
            if let best = candidates.max(by: { ($0.value.total, $1.key) < ($1.value.total, $0.key) }) {
                return ask(best.key, .all, at: now)
            }
            // Nobody who has told so far knows anything; who still counts may.
            guard areAllCounted || now - joinedAt > Self.patience else {
                return nil
            }
            needsAll = false
        }
        for (node, peer) in peers.sorted(by: { $0.key < $1.key }) where peer.isFresh {
            guard let local = peer.local else {
                continue
            }
            if local > 0, peer.failures < Self.mostFailures {
                return ask(node, .local, at: now)
            }
            peers[node]?.isFresh = false
        }
        return nil
    }

    private var candidates: [UInt32: Peer] {
        peers.filter { $0.value.total > 0 && $0.value.failures < Self.mostFailures }
    }

    private mutating func ask(_ node: UInt32, _ scope: RelayEnvelope.Scope, at now: SuspendingClock.Instant) -> Request
    {
        lastNumber &+= 1
        let request = Request(number: lastNumber, target: node, scope: scope)
        current = request
        progress = Outcome(target: node, scope: scope, began: now, ended: now)
        lastProgress = now
        partsReceived = 0
        return request
    }

    /// The request has left only now: before, the own table had to be read.
    public mutating func asked(at now: SuspendingClock.Instant) {
        if current != nil {
            lastProgress = now
        }
    }

    /// A part of an answer came.
    ///
    /// - Returns: False when it belongs to no request of ours that is open.
    public mutating func part(
        _ number: UInt32,
        from node: UInt32,
        records: Int,
        spared: Int,
        at now: SuspendingClock.Instant
    ) -> Bool {
        guard isCurrent(number, node) else {
            return false
        }
        partsReceived += 1
        progress?.records += UInt64(records)
        progress?.spared += UInt64(spared)
        progress?.ended = now
        lastProgress = now
        return true
    }

    /// Whether an answer is that to our open request.
    public func isCurrent(_ number: UInt32, _ node: UInt32) -> Bool {
        current.map { $0.number == number && $0.target == node } ?? false
    }

    /// The end of an answer came.
    public mutating func ended(
        _ number: UInt32,
        from node: UInt32,
        parts: UInt32,
        skipped: UInt32,
        at now: SuspendingClock.Instant
    ) {
        guard let current, isCurrent(number, node) else {
            return
        }
        progress?.isComplete = true
        progress?.skipped = skipped
        progress?.missingParts = parts > partsReceived ? parts - partsReceived : 0
        if current.scope == .all {
            needsAll = false
        }
        peers[node]?.isFresh = false
        peers[node]?.failures = 0
        end(at: now)
    }

    private mutating func fail(at now: SuspendingClock.Instant) {
        if let current {
            peers[current.target]?.failures += 1
        }
        end(at: now)
    }

    private mutating func end(at now: SuspendingClock.Instant) {
        if current != nil {
            progress?.ended = now
            last = progress
        }
        progress = nil
        current = nil
        lastProgress = nil
    }
}
