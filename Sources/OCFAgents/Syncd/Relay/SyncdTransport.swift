// SPDX-License-Identifier: Apache-2.0
import IPVS
import LinuxKit

/// How the datagrams of the daemons reach the other directors.
enum SyncdTransport: String, CaseIterable, Sendable {
    /// The kernel's own multicast on a network between the directors.
    case multicast
    /// The relay, through Corosync's process group.
    case cpg
    /// The relay, in authenticated datagrams over every link of Corosync.
    case udp
}

/// What the relay is started with; pure.
struct SyncdRelaySettings: Equatable, Sendable {
    /// Where the master sends, if the operator names no other interface.
    static let captureInterface = "lvs-tx"
    /// Where the backup receives.
    static let injectionInterface = "lvs-rx"

    /// The longest datagram that the relay gives to the backup.
    static let injectedLength: UInt16 = 1400

    /// The program.
    let binary: String
    /// Its control socket.
    let control: String
    /// How it speaks with the others.
    let transport: SyncdTransport
    /// The daemons that it stands between.
    let master: SyncDaemon
    let backup: SyncDaemon
    /// Further arguments.
    let extra: [String]

    /// The command line.
    var command: [String] {
        let group = (master.group ?? SyncDaemon.defaultGroup).description
        let port = master.port ?? SyncDaemon.defaultPort
        return [
            binary, "run", "--control", control, "--capture", master.interface, "--inject", backup.interface,
            "--syncid", "\(master.syncID)", "--backup-syncid", "\(backup.syncID)", "--group", group, "--port",
            "\(port)",
            "--transport", transport.rawValue,
        ] + extra
    }
}
