// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig

extension Director {
    /// Event lines for servers that came up or went down without a change of the table, so that none goes unsaid.
    func silentLines(_ servers: [ServerID], _ changes: [PlannedChange], _ table: [ServiceEntry]) -> [(
        server: ServerID, line: String
    )] {
        let told = Set(
            changes.compactMap { planned -> ServerID? in
                switch planned.change {
                case .addDestination(let destination, let key), .editDestination(let destination, let key):
                    ServerID(key, destination.key)
                case .removeDestination(let destination, let key): ServerID(key, destination)
                default: nil
                }
            }
        )
        let present = Set(table.map(\.service.key))
        return servers.filter { !told.contains($0) }.compactMap { id in
            guard let state = states[id], let virtual = virtuals[id.service],
                let real = virtual.realServers.first(where: { $0.key == id.destination })
            else {
                return nil
            }
            let note =
                present.contains(id.service) ? "the table says so already" : "the virtual server is not in the table"
            let word = state.isUp ? "Up" : "Down"
            let line = "\(word) real server: \(real.name) (\(virtual.name)) (table unchanged, \(note)): \(state.reason)"
            return (id, line)
        }
    }
}
