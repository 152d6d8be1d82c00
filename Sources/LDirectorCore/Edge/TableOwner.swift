// SPDX-License-Identifier: Apache-2.0
public import IPVS
import LinuxKit

/// The only one who writes to the kernel's table.
public final class TableOwner {
    private static let attempts = 5

    private var client: IPVSClient

    /// Connects to the kernel; loads the module when the kernel does not do so by itself.
    ///
    /// - Throws: ``IPVSError`` when there is no IPVS, or no permission.
    public init() throws(IPVSError) {
        client = try Self.connect()
    }

    private static func connect() throws(IPVSError) -> IPVSClient {
        var attempt = 1
        while true {
            do throws(IPVSError) {
                return try IPVSClient()
            } catch {
                let isWorthAnother =
                    switch error.code {
                    case .unavailable: attempt == 1 && loadModule()
                    case .resourcesExhausted, .noAnswer: attempt < attempts
                    default: false
                    }
                guard isWorthAnother else {
                    throw error
                }
                attempt += 1
            }
        }
    }

    /// Reads the table.
    ///
    /// - Parameter keys: Which services; nil is all.
    /// - Returns: The services with their servers.
    /// - Throws: ``IPVSError``.
    public func read(_ keys: Set<VirtualServiceKey>? = nil) throws(IPVSError) -> [ServiceEntry] {
        for _ in 1..<Self.attempts {
            do throws(IPVSError) {
                return try client.table(of: keys, counters: false).map(\.entry)
            } catch {
                // Answers were lost (ENOBUFS): reading can be done again without harm, on a connection without leftovers.
                guard error.code == .resourcesExhausted || error.code == .noAnswer else {
                    throw error
                }
                client = try Self.connect()
            }
        }
        return try client.table(of: keys, counters: false).map(\.entry)
    }

    /// Reads the table with its counters.
    ///
    /// - Parameter keys: Which services; nil is all.
    /// - Returns: The services with their servers.
    /// - Throws: ``IPVSError``.
    public func observe(_ keys: Set<VirtualServiceKey>? = nil) throws(IPVSError) -> [ObservedService] {
        try client.table(of: keys)
    }

    /// Reads one service with its counters.
    ///
    /// - Parameter key: Which.
    /// - Returns: The service with its servers; nil when the kernel has none.
    /// - Throws: ``IPVSError``.
    public func observe(_ key: VirtualServiceKey) throws(IPVSError) -> ObservedService? {
        try client.observed(key)
    }

    /// Makes changes in their order; a refused one stops no other.
    ///
    /// - Returns: The refused ones.
    /// - Throws: ``IPVSError`` when the kernel cannot be asked at all.
    public func apply(_ changes: [TableChange]) throws(IPVSError) -> [IPVSClient.Failure] {
        try client.apply(changes)
    }

    private static func loadModule() -> Bool {
        do {
            return try ChildProcess.run(["/sbin/modprobe", "ip_vs"], timeout: .seconds(20)).status.isSuccess
        } catch {
            return false
        }
    }
}
