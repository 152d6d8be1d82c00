// SPDX-License-Identifier: Apache-2.0
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
        if command.asksForVersion {
            print("send_arp of Vervet 0.1")
            return
        }
        if command.rounds == 0 {
            return
        }
        if command.asksForOwners {
            return try findOwners(command)
        }
        let batch = try command.batchFile.map(BatchRun.read) ?? AnnouncementBatch(command.items)
        try AnnouncementRun.send(
            BatchRun.announcements(batch, command),
            AnnouncementSchedule(rounds: command.rounds, interval: command.interval),
            pidFile: command.pidFile
        )
    }

    /// Fails with status 1 when another host has one of the addresses.
    private static func findOwners(_ command: SendArpCommand) throws {
        let socket = try NetlinkSocket(.route)
        var questions: [CollisionProbe.Question] = []
        for name in Set(command.items.map(\.device)) {
            let device = try AnnouncementRun.device(name, socket)
            questions.append(.init(device: device, addresses: command.items.map(\.address)))
        }
        if let collision = try CollisionProbe.run(questions, probes: command.rounds, spacing: command.interval) {
            throw SendFailure(status: 1, text: command.isQuiet ? "" : collision.reason)
        }
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
        try AnnouncementRun.awaitUsable(command.address, device, socket)
        let set = AnnouncementSet(.requestAndReply)
        try set.append(command.address, on: device)
        try AnnouncementRun.send(
            set,
            AnnouncementSchedule(rounds: command.count, interval: command.interval),
            pidFile: command.pidFile
        )
    }
}
