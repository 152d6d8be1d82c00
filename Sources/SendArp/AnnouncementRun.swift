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
        guard !link.isLoopback, !link.isWithoutARP, let hardware = link.address else {
            throw SendFailure(status: 2, text: "device \(name) has no neighbours to tell")
        }
        return AnnouncingDevice(
            index: link.index,
            name: link.name,
            hardware: hardware,
            broadcast: link.broadcast,
            hardwareType: link.hardwareType,
            isRouter: isForwarding(link)
        )
    }

    /// Sends all rounds.
    ///
    /// SIGTERM, SIGINT and SIGHUP end the run early, as success, and like every end remove the pid file.
    static func send(_ set: AnnouncementSet, _ schedule: AnnouncementSchedule, pidFile: String?) throws {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            sigaddset(&signals, signal)
        }
        sigprocmask(SIG_BLOCK, &signals, nil)
        let file = pidFile.map(IdentityFile.init(path:))
        try file?.claim()
        defer { file?.release() }
        try set.send(schedule) { time in
            let (seconds, attoseconds) = time.components
            var pause = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
            return sigtimedwait(&signals, nil, &pause) < 0
        }
    }

    /// Waits at most five seconds for duplicate address detection; a tentative address cannot be bound to.
    static func awaitUsable(
        _ address: IPAddress,
        _ device: AnnouncingDevice,
        _ socket: borrowing NetlinkSocket
    ) throws {
        let monitor = try NetlinkMonitor(route: [.ipv6Address])
        let deadline = Deadline(after: .seconds(5))
        while true {
            let holder = try socket.addresses(.ipv6).first {
                $0.address == address && $0.interfaceIndex == device.index
            }
            guard let holder, !holder.flags.contains(.duplicate) else {
                throw SendFailure(status: 1, text: "\(address) is not a usable address of \(device.name)")
            }
            if !holder.flags.contains(.tentative) {
                return
            }
            if deadline.hasPassed {
                throw SendFailure(status: 1, text: "\(address) is still tentative on \(device.name)")
            }
            // Whatever changed is reason enough to look again.
            if try monitor.wait(until: deadline) {
                while try monitor.receive() != .none {}
            }
        }
    }

    /// Whether a device forwards IPv6: its advertisements must say so, or neighbours drop it as a router.
    private static func isForwarding(_ link: NetworkLink) -> Bool {
        let text = try? TextFile.read("/proc/sys/net/ipv6/conf/\(link.name)/forwarding", limit: 16)
        return text.map { !$0.hasPrefix("0") } ?? false
    }
}
