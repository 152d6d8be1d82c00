// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

/// Why a sender gives up: one line and the exit status.
struct SendFailure: Error {
    let status: Int32
    let text: String
}

/// What `send_arp` and `send_ua` share: the device, the pid file, rounds with a pause that a signal ends.
enum AnnouncementRun {
    /// Finds a device that can announce.
    static func device(_ name: String, _ socket: borrowing NetlinkSocket) throws -> AnnouncingDevice {
        guard let link = try socket.links().first(where: { $0.isNamed(name) }) else {
            throw SendFailure(status: 2, text: "device \(name) does not exist")
        }
        guard link.isUp else {
            throw SendFailure(status: 2, text: "device \(name) is down: set it up first")
        }
        guard !link.isLoopback, !link.isWithoutARP, let hardware = link.address,
            let ones = LinkLayerAddress(bytes: [UInt8](repeating: 0xff, count: hardware.bytes.count))
        else {
            throw SendFailure(status: 2, text: "device \(name) has no neighbours to tell")
        }
        return AnnouncingDevice(
            index: link.index,
            name: link.name,
            hardware: hardware,
            broadcast: link.broadcast ?? ones,
            hardwareType: link.hardwareType
        )
    }

    /// Sends all rounds.
    ///
    /// SIGTERM, SIGINT and SIGHUP end the run early, as success, and like every end remove the pid file.
    static func send(_ sender: any RoundSender, rounds: Int, interval: Duration, pidFile: String?) throws {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            sigaddset(&signals, signal)
        }
        sigprocmask(SIG_BLOCK, &signals, nil)
        let file = pidFile.map(IdentityFile.init(path:))
        try file?.claim()
        defer { file?.release() }
        let (seconds, attoseconds) = interval.components
        var pause = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        for round in 0..<rounds {
            if round > 0 && sigtimedwait(&signals, nil, &pause) > 0 {
                return
            }
            try sender.sendRound()
        }
    }
}
