// SPDX-License-Identifier: Apache-2.0
import IPVS

/// Which daemons run on a director, and whether that depends on its role.
enum SyncdMode: String, CaseIterable, Sendable {
    /// Both, always; a failover changes nothing.
    case both
    /// The backup always, the master while promoted.
    case role
    /// The master while promoted, the backup while not.
    case exclusive
    /// The master, always.
    case master
    /// The backup, always.
    case backup

    /// What runs in a role, master first.
    func daemons(isPromoted: Bool) -> [SyncDaemon.Role] {
        switch self {
        case .both: [.master, .backup]
        case .role: isPromoted ? [.master, .backup] : [.backup]
        case .exclusive: isPromoted ? [.master] : [.backup]
        case .master: [.master]
        case .backup: [.backup]
        }
    }

    /// Whether a promoted director has a backup daemon, whose presence means something to backup_only.
    var receivesWhilePromoted: Bool { self != .backup && daemons(isPromoted: true).contains(.backup) }
}
