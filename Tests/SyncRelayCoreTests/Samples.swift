// SPDX-License-Identifier: Apache-2.0
import LinuxKit

@testable import SyncRelayCore

/// A generator with a seed, so that a failure can be had again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

/// What the tests build from.
enum Sample {
    static func connection(
        _ number: UInt16 = 1,
        isIPv6: Bool = false,
        state: UInt16 = 1,
        timeout: UInt32 = 900
    ) -> SyncConnection {
        let address = { (last: UInt8) -> IPAddress in
            isIPv6
                ? IPAddress("2001:db8::\(last)") ?? IPAddress(ipv4: 0)
                : IPAddress(ipv4: 0x0a00_0000 | UInt32(last))
        }
        return SyncConnection(
            key: ConnectionKey(
                transport: 6,
                client: SocketAddress(address(1), port: number),
                virtual: SocketAddress(address(2), port: 80)
            ),
            destination: SocketAddress(address(3), port: 8080),
            flags: SyncConnection.Flags(rawValue: 0x83),
            state: state,
            timeout: timeout
        )
    }

    static func datagram(_ connections: [SyncConnection], syncID: UInt8 = 1) -> [UInt8] {
        var packer = DatagramPacker(syncID: syncID, limit: SyncDatagram.longest)
        for connection in connections {
            _ = packer.add(connection.record)
        }
        return packer.finish() ?? []
    }
}
