// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

/// `send_arp`: gratuitous ARP for an IPv4 address.
enum SendArp {
    static func run(_ arguments: [String]) throws {
        let command: SendArpCommand
        do {
            command = try SendArpCommand(arguments)
        } catch {
            throw SendFailure(status: 2, text: "\(error)\n\(SendArpCommand.usage)")
        }
        if command.rounds == 0 {
            return
        }
        let socket = try NetlinkSocket(.route)
        let device = try AnnouncementRun.device(command.device, socket)
        if !command.allowsForeignAddress {
            guard try socket.addresses(.ipv4).contains(where: { $0.address == command.address }) else {
                throw SendFailure(
                    status: 2,
                    text: "\(command.address) is not an address of this host (-F announces it anyway)"
                )
            }
        }
        let hardware =
            switch command.hardware {
            case .device: device.hardware
            case .given(let given): given
            }
        guard hardware.bytes.count == device.hardware.bytes.count else {
            throw SendFailure(status: 2, text: "\(hardware) does not fit device \(device.name)")
        }
        let announcement = Announcement(
            address: command.address,
            hardware: hardware,
            hardwareType: device.hardwareType,
            style: command.style,
            usesOnesAsTarget: command.usesOnesAsTarget
        )
        try AnnouncementRun.send(
            GratuitousARP(announcement, on: device),
            rounds: command.rounds,
            interval: command.interval,
            pidFile: command.pidFile
        )
    }
}

/// `send_ua`: unsolicited neighbour advertisements for an IPv6 address.
enum SendUa {
    static func run(_ arguments: [String]) throws {
        let command: SendUaCommand
        do {
            command = try SendUaCommand(arguments)
        } catch {
            throw SendFailure(status: 2, text: "\(error)\n\(SendUaCommand.usage)")
        }
        if command.count == 0 {
            return
        }
        let socket = try NetlinkSocket(.route)
        let device = try AnnouncementRun.device(command.device, socket)
        try awaitUsable(command.address, device, socket)
        let forwarding = try? TextFile.read("/proc/sys/net/ipv6/conf/\(device.name)/forwarding", limit: 16)
        let advertisement = NeighborAdvertisement(
            target: command.address,
            hardware: device.hardware,
            isRouter: forwarding?.hasPrefix("0") == false
        )
        guard let advertisement else {
            throw SendFailure(status: 2, text: "\(command.address) is not an IPv6 address")
        }
        try AnnouncementRun.send(
            UnsolicitedAdvertisement(advertisement, on: device),
            rounds: command.count,
            interval: command.interval,
            pidFile: command.pidFile
        )
    }

    /// Waits at most five seconds for duplicate address detection; a tentative address cannot be bound to.
    private static func awaitUsable(
        _ address: IPAddress,
        _ device: AnnouncingDevice,
        _ socket: borrowing NetlinkSocket
    ) throws {
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
            usleep(20_000)
        }
    }
}
