// SPDX-License-Identifier: Apache-2.0
import Glibc
import Netlink

extension IPVSClient {
    /// Reads services with their servers and counters (ipvsadm -Ln --stats).
    ///
    /// Dumps are positional, so others' changes can make them repeat or skip entries: repeated ones are dropped, and a
    /// dump with repeats is read again. A service that vanishes meanwhile is left out.
    ///
    /// - Parameters:
    ///   - wanted: Which services; nil is all of them.
    ///   - counters: Whether the servers' traffic counters are wanted; they stay zero otherwise.
    /// - Returns: The services in the kernel's order.
    /// - Throws: ``IPVSError``.
    public mutating func table(
        of wanted: Set<VirtualServiceKey>? = nil,
        counters: Bool = true
    ) throws(IPVSError) -> [ObservedService] {
        var services = try uniqueDump(requests.getServices(), .service, IPVSAnswers.service) { $0.service.key }
        if let wanted {
            services.removeAll { !wanted.contains($0.service.key) }
        }
        var table: [ObservedService] = []
        table.reserveCapacity(services.count)
        for var service in services {
            let key = service.service.key
            service.destinations = try destinations(of: key, counters: counters)
            // An empty answer also means that the service is gone.
            if !service.destinations.isEmpty {
                table.append(service)
            } else if try self.service(key) != nil {
                table.append(service)
            }
        }
        return table
    }

    /// Reads one service with its servers and counters.
    ///
    /// - Parameter key: Which.
    /// - Returns: The service, or nil when there is none.
    /// - Throws: ``IPVSError``.
    public mutating func observed(_ key: VirtualServiceKey) throws(IPVSError) -> ObservedService? {
        guard var service = try service(key) else {
            return nil
        }
        service.destinations = try destinations(of: key, counters: true)
        return service
    }

    mutating func destinations(
        of key: VirtualServiceKey,
        counters: Bool
    ) throws(IPVSError) -> [ObservedDestination] {
        try uniqueDump(
            requests.getDestinations(of: key),
            .destination,
            { IPVSAnswers.destination($0, key.family, counters: counters) },
            by: \.destination.key
        )
    }

    /// Reads one service without its servers.
    ///
    /// - Parameter key: Which.
    /// - Returns: The service, or nil when there is none.
    /// - Throws: ``IPVSError``.
    public mutating func service(_ key: VirtualServiceKey) throws(IPVSError) -> ObservedService? {
        do {
            return try perform(requests.getServices(key), .service).lazy.compactMap(IPVSAnswers.service).first
        } catch  where error.code == .noSuchService {
            return nil
        }
    }

    /// Makes one change; what is already so is success.
    ///
    /// Adding what exists edits it, editing what is missing adds it, removing what is missing does nothing.
    ///
    /// - Parameter change: What to do.
    /// - Throws: ``IPVSError``.
    public mutating func ensure(_ change: TableChange) throws(IPVSError) {
        if let failure = try apply([change]).first {
            throw failure.error
        }
    }

    /// A change that the kernel refused.
    public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// What was to be done.
        public let change: TableChange
        /// Why it was not.
        public let error: IPVSError

        /// The error's line.
        public var description: String { error.description }
    }

    /// Makes changes in their order, many in one system call; each one is idempotent as in ``ensure(_:)``.
    ///
    /// A refused change stops no other one.
    ///
    /// - Parameter changes: What to do, as ``TableDiff`` orders it.
    /// - Returns: The changes that were refused; empty when all is done.
    /// - Throws: ``IPVSError`` when the kernel cannot be asked at all.
    public mutating func apply(_ changes: [TableChange]) throws(IPVSError) -> [Failure] {
        var failures: [Failure] = []
        var valid: [TableChange] = []
        for change in changes {
            if let error = change.problem
                ?? (tunnels == .ipipOnly && change.needsTunnelTypes ? change.tunnelError : nil)
            {
                failures.append(Failure(change: change, error: error))
            } else {
                valid.append(change)
            }
        }
        let sent = valid
        // An edit may have to become an addition, and those of its servers then too, so there are three rounds at most.
        for isLast in [false, false, true] {
            var again: [TableChange] = []
            for failure in try submit(valid) {
                switch failure.resolution {
                case .done: break
                case .instead(let change) where !isLast: again.append(change)
                // Its service may come back with an addition that stands in for an edit.
                case .failed where failure.error.code == .noSuchService && !isLast: again.append(failure.change)
                case .instead, .failed: failures.append(failure)
                }
            }
            valid = again
        }
        let refused = Set(failures.map(\.change))
        return failures + (try verifyTunnels(sent.filter { $0.needsTunnelTypes && !refused.contains($0) }))
    }

    mutating func submit(_ changes: [TableChange]) throws(IPVSError) -> [Failure] {
        guard !changes.isEmpty else {
            return []
        }
        var results = try send(changes)
        // A reloaded module has a new family id: every message is refused with ENOENT then.
        if results.allSatisfy({ $0?.code == ENOENT }), try familyChanged() {
            results = try send(changes)
        }
        return zip(changes, results).compactMap { change, error in
            error.map { Failure(change: change, error: IPVSError($0, change.target)) }
        }
    }

    private mutating func send(_ changes: [TableChange]) throws(IPVSError) -> [NetlinkError?] {
        do {
            return try socket.batch(changes.map(requests.change))
        } catch {
            throw IPVSError(error, .general)
        }
    }

    /// Sets the counters of a service to zero, or all counters (ipvsadm -Z).
    ///
    /// - Parameter key: Which service; nil is all of them and the totals.
    /// - Throws: ``IPVSError``.
    public mutating func zeroCounters(of key: VirtualServiceKey? = nil) throws(IPVSError) {
        _ = try perform(requests.zero(key), .service)
    }

    /// Removes every service, also those of others (ipvsadm -C); never part of a normal reload.
    ///
    /// - Throws: ``IPVSError``.
    public mutating func removeAll() throws(IPVSError) {
        _ = try perform(requests.flush(), .general)
    }
}
