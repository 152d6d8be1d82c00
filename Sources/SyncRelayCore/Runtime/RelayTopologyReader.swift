// SPDX-License-Identifier: Apache-2.0
import Corosync
import LinuxKit

/// Reads the directors' addresses from Corosync: `nodelist.node.<position>.{nodeid,ring<link>_addr}`.
enum RelayTopologyReader {
    static func read() throws(CorosyncError) -> RelayTopology {
        let map = try ConfigurationMap()
        let own = try map.number("nodelist.local_node_pos")
        let positions = Set(
            try map.keys(prefix: "nodelist.node.").compactMap { $0.split(separator: ".").dropFirst(2).first }
        )
        var topology = RelayTopology(local: 0, addresses: [:])
        for position in positions.compactMap({ UInt32($0) }).sorted() {
            let prefix = "nodelist.node.\(position)."
            guard let node = try map.number(prefix + "nodeid") else {
                continue
            }
            for link in UInt8(0)..<8 {
                // A name instead of an address is left to the process group; see the manual.
                if let address = try map.text(prefix + "ring\(link)_addr").flatMap({ IPAddress($0) }) {
                    topology.addresses[node, default: [:]][link] = address
                }
            }
            if position == own {
                topology.local = node
            }
        }
        return topology
    }
}
