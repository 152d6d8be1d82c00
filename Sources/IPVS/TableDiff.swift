// SPDX-License-Identifier: Apache-2.0

/// Finds the fewest changes that lead from the kernel's table to the wanted one; pure, it touches nothing.
public enum TableDiff {
    /// The changes in the order in which they are to be made.
    ///
    /// First each wanted service: it is added or edited in place, then its new servers and those that gain weight, then
    /// other edits. Removals come last, servers before services, so that a service is never without a server in
    /// between. Services that are neither wanted nor owned belong to others and are left alone. When a key is given
    /// twice, the first one counts.
    ///
    /// - Parameters:
    ///   - desired: What shall be there.
    ///   - current: What is there.
    ///   - owned: Services that this program made before; they are removed when they are no longer wanted.
    /// - Returns: The changes; empty when nothing is to be done.
    public static func changes(
        desired: [ServiceEntry],
        current: [ServiceEntry],
        owned: Set<VirtualServiceKey>
    ) -> [TableChange] {
        let present = Dictionary(current.map { ($0.service.key, $0) }, uniquingKeysWith: { first, _ in first })
        var wanted: Set<VirtualServiceKey> = []
        var changes: [TableChange] = []
        var removals: [TableChange] = []
        for entry in desired where wanted.insert(entry.service.key).inserted {
            let found = present[entry.service.key]
            if let found {
                if !entry.service.isEquivalent(to: found.service) {
                    changes.append(.editService(entry.service))
                }
            } else {
                changes.append(.addService(entry.service))
            }
            let step = destinationChanges(entry, found?.destinations ?? [])
            changes += step.changes
            removals += step.removals
        }
        var removed: Set<VirtualServiceKey> = []
        for key in current.map(\.service.key) where owned.contains(key) && !wanted.contains(key) {
            if removed.insert(key).inserted {
                removals.append(.removeService(key))
            }
        }
        return changes + removals
    }

    private static func destinationChanges(
        _ entry: ServiceEntry,
        _ current: [Destination]
    ) -> (changes: [TableChange], removals: [TableChange]) {
        let key = entry.service.key
        let present = Dictionary(current.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var wanted: Set<Destination.Key> = []
        var gains: [TableChange] = []
        var edits: [TableChange] = []
        for destination in entry.destinations where wanted.insert(destination.key).inserted {
            if let found = present[destination.key] {
                if !destination.isEquivalent(to: found) {
                    let change = TableChange.editDestination(destination, of: key)
                    if destination.weight > found.weight {
                        gains.append(change)
                    } else {
                        edits.append(change)
                    }
                }
            } else {
                gains.append(.addDestination(destination, to: key))
            }
        }
        var removed: Set<Destination.Key> = []
        let removals = current.map(\.key).filter { !wanted.contains($0) && removed.insert($0).inserted }
        return (gains + edits, removals.map { .removeDestination($0, from: key) })
    }
}
