// SPDX-License-Identifier: Apache-2.0
public import IPVS
import LinuxKit

/// The only one who writes to the kernel's table.
public final class TableOwner {
    private var client: IPVSClient

    /// Connects to the kernel; loads the module when the kernel does not do so by itself.
    ///
    /// - Throws: ``IPVSError`` when there is no IPVS, or no permission.
    public init() throws(IPVSError) {
        do {
            client = try IPVSClient()
        } catch {
            guard error.code == .unavailable, Self.loadModule() else {
                throw error
            }
            client = try IPVSClient()
        }
    }

    /// Reads the table.
    ///
    /// - Parameter keys: Which services; nil is all.
    /// - Returns: The services with their servers.
    /// - Throws: ``IPVSError``.
    public func read(_ keys: Set<VirtualServiceKey>? = nil) throws(IPVSError) -> [ServiceEntry] {
        try client.table(of: keys).map(\.entry)
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
