// SPDX-License-Identifier: Apache-2.0
import Glibc
import Netlink

/// The kernel's virtual server table of one network namespace, over generic netlink; blocking, needs CAP_NET_ADMIN.
///
/// There are no events in this family: whoever wants to know of changes reads the table again.
///
/// `@unchecked Sendable`: every use of the socket is in a mutating method, which needs exclusive access, so two threads
/// never use it at once.
public struct IPVSClient: ~Copyable, @unchecked Sendable {
    private let socket: NetlinkSocket
    private var requests: IPVSRequests
    private var lastDaemonStart: ContinuousClock.Instant?

    /// Longest wait for one answer; a change takes microseconds, a scheduler's module may have to be loaded first.
    private static let timeout: Duration = .seconds(5)
    /// Stopping a daemon right after its start is carried out but never answered, so it is not waited for as long.
    private static let stopTimeout: Duration = .seconds(1)
    private static let dumpAttempts = 4

    /// Connects in the calling thread's network namespace; the kernel loads ip_vs if it can.
    ///
    /// - Throws: ``IPVSError`` with ``IPVSError/Code/unavailable`` when the kernel has no IPVS.
    public init() throws(IPVSError) {
        do {
            let socket = try NetlinkSocket(.generic, receiveTimeout: Self.timeout)
            requests = IPVSRequests(family: try Self.resolve(on: socket))
            self.socket = socket
        } catch {
            throw .unavailable(error)
        }
    }

    private static func resolve(on socket: borrowing NetlinkSocket) throws(NetlinkError) -> GenericFamily {
        try GenericFamily(resolving: IPVSRequests.familyName, version: IPVSRequests.familyVersion, on: socket)
    }

    // MARK: Table

    /// Reads services with their servers and counters (ipvsadm -Ln --stats).
    ///
    /// Dumps are positional, so others' changes can make them repeat or skip entries: repeated ones are dropped, and a
    /// dump with repeats is read again. A service that vanishes meanwhile is left out.
    ///
    /// - Parameter wanted: Which services; nil is all of them.
    /// - Returns: The services in the kernel's order.
    /// - Throws: ``IPVSError``.
    public mutating func table(of wanted: Set<VirtualServiceKey>? = nil) throws(IPVSError) -> [ObservedService] {
        var services = try uniqueDump(requests.getServices(), .service, IPVSAnswers.service) { $0.service.key }
        if let wanted {
            services.removeAll { !wanted.contains($0.service.key) }
        }
        var table: [ObservedService] = []
        table.reserveCapacity(services.count)
        for var service in services {
            let key = service.service.key
            service.destinations = try uniqueDump(
                requests.getDestinations(of: key),
                .destination,
                { IPVSAnswers.destination($0, key.family) },
                by: \.destination.key
            )
            // An empty answer also means that the service is gone.
            if !service.destinations.isEmpty {
                table.append(service)
            } else if try self.service(key) != nil {
                table.append(service)
            }
        }
        return table
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
            if let error = change.problem {
                failures.append(Failure(change: change, error: error))
            } else {
                valid.append(change)
            }
        }
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
        return failures
    }

    private mutating func submit(_ changes: [TableChange]) throws(IPVSError) -> [Failure] {
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

    private func send(_ changes: [TableChange]) throws(IPVSError) -> [NetlinkError?] {
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

    // MARK: General

    /// Reads version and table size.
    ///
    /// - Returns: What the kernel says.
    /// - Throws: ``IPVSError``.
    public mutating func information() throws(IPVSError) -> IPVSInformation {
        try one(requests.getInformation(), IPVSAnswers.information)
    }

    /// Reads the connection timeouts.
    ///
    /// - Returns: The timeouts.
    /// - Throws: ``IPVSError``.
    public mutating func timeouts() throws(IPVSError) -> ConnectionTimeouts {
        try one(requests.getTimeouts(), IPVSAnswers.timeouts)
    }

    /// Sets connection timeouts (ipvsadm --set); zeros leave a value as it is.
    ///
    /// - Parameter timeouts: The new values.
    /// - Throws: ``IPVSError``.
    public mutating func setTimeouts(_ timeouts: ConnectionTimeouts) throws(IPVSError) {
        _ = try perform(requests.setTimeouts(timeouts), .general)
    }

    // MARK: Sync daemons

    /// Reads the running sync daemons.
    ///
    /// - Returns: None, one or both.
    /// - Throws: ``IPVSError``.
    public mutating func daemons() throws(IPVSError) -> [SyncDaemon] {
        try uniqueDump(requests.getDaemons(), .daemon, IPVSAnswers.daemon, by: \.role)
    }

    /// Starts a sync daemon; one that already runs with these parameters is success.
    ///
    /// - Parameter daemon: What to start.
    /// - Throws: ``IPVSError``; ``IPVSError/Code/alreadyExists`` when it runs with other parameters.
    public mutating func start(_ daemon: SyncDaemon) throws(IPVSError) {
        if let problem = daemon.problem {
            throw problem
        }
        do {
            defer { lastDaemonStart = .now }
            _ = try perform(requests.start(daemon), .daemon)
        } catch  where error.code == .alreadyExists || error.code == .noAnswer {
            guard let running = try daemons().first(where: { $0.role == daemon.role }),
                daemon.differences(from: running).isEmpty
            else {
                throw error
            }
        }
    }

    /// Stops a sync daemon; one that does not run is success.
    ///
    /// What the master has queued is lost (up to three seconds of updates).
    ///
    /// - Parameter role: Which one.
    /// - Throws: ``IPVSError`` when it still runs.
    public mutating func stop(_ role: SyncDaemon.Role) throws(IPVSError) {
        // A stop in the same moment as the start is never answered: give the new thread time to run.
        if let start = lastDaemonStart, ContinuousClock.now - start < .milliseconds(20) {
            usleep(20_000)
        }
        var failure: IPVSError?
        try setReceiveTimeout(Self.stopTimeout)
        do {
            _ = try perform(requests.stop(role), .daemon)
        } catch {
            failure = error
        }
        try setReceiveTimeout(Self.timeout)
        if let failure {
            guard [.daemonNotRunning, .noAnswer].contains(failure.code),
                try !daemons().contains(where: { $0.role == role })
            else {
                throw failure
            }
        }
    }

    // MARK: Transport

    private func setReceiveTimeout(_ timeout: Duration) throws(IPVSError) {
        do {
            try socket.setReceiveTimeout(timeout)
        } catch {
            throw IPVSError(error, .general)
        }
    }

    /// Sends one request; after a reload of the module once more with the new family id.
    private mutating func perform(
        _ request: NetlinkRequest,
        _ target: IPVSError.Target
    ) throws(IPVSError) -> [NetlinkMessage] {
        var request = request
        do {
            return try socket.request(request)
        } catch {
            guard error.code == ENOENT || error.code == EOPNOTSUPP, try familyChanged() else {
                throw IPVSError(error, target)
            }
        }
        request.type = requests.family.id
        do {
            return try socket.request(request)
        } catch {
            throw IPVSError(error, target)
        }
    }

    private mutating func one<Value>(
        _ request: NetlinkRequest,
        _ decode: (NetlinkMessage) -> Value?
    ) throws(IPVSError) -> Value {
        for message in try perform(request, .general) {
            if let value = decode(message) {
                return value
            }
        }
        throw IPVSError(.other, operation: request.operation, underlying: EBADMSG, explanation: "answer not understood")
    }

    /// Reads a table until no entry is repeated, which is the sign that it changed meanwhile; duplicates are dropped.
    private mutating func uniqueDump<Value, Key: Hashable>(
        _ request: NetlinkRequest,
        _ target: IPVSError.Target,
        _ decode: (NetlinkMessage) -> Value?,
        by key: (Value) -> Key
    ) throws(IPVSError) -> [Value] {
        var request = request
        var unique: [Value] = []
        for attempt in 1...Self.dumpAttempts {
            let messages: [NetlinkMessage]
            do {
                messages = try socket.dump(request)
            } catch {
                guard attempt == 1, error.code == ENOENT || error.code == EOPNOTSUPP, try familyChanged() else {
                    throw IPVSError(error, target)
                }
                request.type = requests.family.id
                continue
            }
            var seen: Set<Key> = []
            let decoded = messages.compactMap(decode)
            unique = decoded.filter { seen.insert(key($0)).inserted }
            if unique.count == decoded.count {
                break
            }
        }
        return unique
    }

    /// Resolves the family again; true when its id is another one now.
    private mutating func familyChanged() throws(IPVSError) -> Bool {
        let family: GenericFamily
        do {
            family = try Self.resolve(on: socket)
        } catch {
            throw .unavailable(error)
        }
        defer { requests = IPVSRequests(family: family) }
        return family.id != requests.family.id
    }
}
