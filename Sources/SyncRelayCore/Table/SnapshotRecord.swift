// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

/// Makes the record that the kernel would have sent of an entry of its table.
public enum SnapshotRecord {
    /// States of TCP by the names that the kernel shows, with their numbers; those of a handshake are left out, because the
    /// kernel sends the connection itself when it is established.
    private static let statesOfTCP: [String: UInt16] = [
        "ESTABLISHED": 1, "FIN_WAIT": 4, "TIME_WAIT": 5, "CLOSE": 6, "CLOSE_WAIT": 7, "LAST_ACK": 8,
    ]

    /// The record of an entry.
    ///
    /// - Parameters:
    ///   - entry: The entry.
    ///   - match: The method and mark of its service.
    /// - Returns: nil for an entry that need not or cannot be told.
    public static func make(_ entry: TableEntry, _ match: ServiceLookup.Match) -> SyncConnection? {
        var flags = SyncConnection.Flags(rawValue: match.method.rawValue & SyncConnection.Flags.methodMask)
        if match.method != .masquerade {
            flags.insert(.noOutput)
        }
        let state: UInt16
        let isTemplate = entry.key.client.port == 0
        switch entry.key.transport {
        case _ where isTemplate:
            flags.insert(.template)
            state = entry.state == "ASSURED" ? 1 : 0
        case 6:
            guard let number = statesOfTCP[entry.state] else {
                return nil
            }
            state = number
            if number != 1 {
                flags.insert(.inactive)
            }
        case 17:
            flags.insert(.inactive)
            state = 0
        case 132 where entry.state == "ESTABLISHED":
            state = 8
        default:
            return nil
        }
        return SyncConnection(
            key: entry.key,
            destination: entry.destination,
            flags: flags,
            state: state,
            mark: match.mark,
            // 0 would be the receiver's full time.
            timeout: max(1, entry.expires)
        )
    }
}
