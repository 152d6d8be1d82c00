// SPDX-License-Identifier: Apache-2.0
public import IPVS
import LDirectorConfig

extension Director {
    /// The table as it shall be: every configured service with the servers that are in use.
    public var desiredTable: [ServiceEntry] {
        configuration.virtualServers.map { ServiceEntry($0.kernelService, destinations: desiredDestinations($0)) }
    }

    /// The changes that bring the configured services to the intended state, at start, on reload and on a retry.
    ///
    /// Services of others are left alone; servers that are not configured are removed from services that are ours.
    ///
    /// - Parameters:
    ///   - table: The kernel's table.
    ///   - former: Services of the configuration in force before, which go when they are configured no more.
    ///   - only: Services to look at; nil is all.
    /// - Returns: The changes in their order.
    public func synchronisation(
        with table: [ServiceEntry],
        former: Set<VirtualServiceKey> = [],
        only: Set<VirtualServiceKey>? = nil
    ) -> [PlannedChange] {
        let desired = desiredTable.filter { only?.contains($0.service.key) ?? true }
        return TableDiff.changes(desired: desired, current: table, owned: former).map {
            PlannedChange(change: $0, line: line(for: $0, current: table, transition: false))
        }
    }

    /// The changes that follow from servers that came up or went down, and no others.
    ///
    /// What was changed by hand elsewhere in the service stays (a weight set with ipvsadm, a removed server).
    ///
    /// - Parameters:
    ///   - servers: The servers that came up or went down.
    ///   - table: The kernel's table, at least the services concerned.
    /// - Returns: The changes in their order: additions before removals.
    public func changes(after servers: [ServerID], current table: [ServiceEntry]) -> [PlannedChange] {
        let found = Dictionary(table.map { ($0.service.key, $0) }) { first, _ in first }
        var changes: [TableChange] = []
        var removals: [TableChange] = []
        var seen: Set<VirtualServiceKey> = []
        for key in servers.map(\.service) where seen.insert(key).inserted {
            // A service that somebody removed stays removed until the next reload.
            guard let virtual = virtuals[key], let entry = found[key] else {
                continue
            }
            var concerned = Set(servers.filter { $0.service == key }.map(\.destination))
            if let fallback = virtual.fallback {
                concerned.insert(fallback.key)
            }
            var target = entry
            target.service = entry.service
            let desired = desiredDestinations(virtual).filter { concerned.contains($0.key) }
            let present = Set(entry.destinations.map(\.key))
            target.destinations = entry.destinations.filter { !concerned.contains($0.key) }
            target.destinations += desired.filter {
                // A quiesced server that somebody removed comes back only where that is asked for.
                $0.weight > 0 || present.contains($0.key) || virtual.readdsQuiescent || isUp($0.key, virtual)
            }
            for change in TableDiff.changes(desired: [target], current: [entry], owned: []) {
                if case .removeDestination = change {
                    removals.append(change)
                } else {
                    changes.append(change)
                }
            }
        }
        return (changes + removals).map {
            PlannedChange(change: $0, line: line(for: $0, current: table, transition: true))
        }
    }

    /// The changes of an orderly stop: each service with `cleanstop` goes, with everything in it.
    public func cleanup(of table: [ServiceEntry]) -> [PlannedChange] {
        let found = Set(table.map(\.service.key))
        return configuration.virtualServers.filter { $0.cleansOnStop && found.contains($0.key) }.map {
            PlannedChange(change: .removeService($0.key), line: "Purged virtual server: \($0.name) (stop)")
        }
    }

    /// Event lines for the servers that go with a stop.
    func purgeLines(_ key: VirtualServiceKey) -> [String] {
        guard let virtual = virtuals[key] else {
            return []
        }
        return virtual.realServers.filter { states[ServerID(key, $0.key)]?.isUp == true }.map {
            "Purged real server: \($0.name) (\(virtual.name)) (stop)"
        }
    }

    /// Up, with a weight of 0 that is configured or ordered.
    private func isUp(_ key: Destination.Key, _ virtual: VirtualServer) -> Bool {
        states[ServerID(virtual.key, key)]?.isUp == true
    }

    /// The servers of a virtual as they shall stand in the table.
    func desiredDestinations(_ virtual: VirtualServer) -> [Destination] {
        let needsFallback = !hasServerUp(virtual.key)
        var destinations: [Destination] = []
        var fallback = needsFallback ? virtual.fallback?.kernelDestination : nil
        for real in virtual.realServers {
            guard let state = states[ServerID(virtual.key, real.key)] else {
                continue
            }
            if state.isUp {
                destinations.append(real.kernelDestination(weight: state.weight(of: real)))
            } else if fallback?.key == real.key {
                // Q13: the entry belongs to the real server, which takes the fallback's part meanwhile.
                destinations.append(real.kernelDestination(weight: 1))
                fallback = nil
            } else if !state.isDrained, virtual.isQuiescent || state.hold?.isDrain == true {
                destinations.append(real.kernelDestination(weight: 0))
            }
        }
        return destinations + (fallback.map { [$0] } ?? [])
    }
}
