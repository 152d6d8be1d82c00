// SPDX-License-Identifier: Apache-2.0
import IPVS

/// Reads the kernel's table for a report, one service when it is its turn.
final class KernelView {
    /// Why the table cannot be read; nil while it can.
    private(set) var problem: String?
    private let table: TableOwner

    /// Tries whether the table can be read at all.
    init(_ table: TableOwner) {
        self.table = table
        do throws(IPVSError) {
            _ = try table.observe([])
        } catch {
            problem = error.description
        }
    }

    /// The service as the kernel has it; nil when it has none, or cannot be asked.
    func service(_ key: VirtualServiceKey) -> ObservedService? {
        guard problem == nil else {
            return nil
        }
        do throws(IPVSError) {
            return try table.observe(key)
        } catch {
            problem = error.description
            return nil
        }
    }
}
