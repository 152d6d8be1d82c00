// SPDX-License-Identifier: Apache-2.0
import Glibc

extension IPVSClient {
    /// Stopping a daemon right after its start is carried out but never answered, so it is not waited for as long.
    private static let stopTimeout: Duration = .seconds(1)

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
}
