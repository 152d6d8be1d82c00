// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import NeighborPackets
import Netlink

/// Many addresses in one run: everything is looked up and checked before the first frame leaves.
enum BatchRun {
    private static let sizeLimit = 4 * 1024 * 1024

    /// Reads a list from a file, or from standard input for `-`.
    static func read(_ path: String) throws -> AnnouncementBatch {
        let text = try TextFile.read(path == "-" ? "/dev/stdin" : path, limit: sizeLimit)
        guard text.utf8.count < sizeLimit else {
            throw SendFailure(status: 2, text: "\(path) is longer than \(sizeLimit) bytes")
        }
        do {
            return try AnnouncementBatch(text)
        } catch {
            throw SendFailure(status: 2, text: "\(path): \(error)")
        }
    }

    /// An address on a device.
    private struct Holder: Hashable {
        let address: IPAddress
        let index: Int32

        init(_ address: IPAddress, _ index: Int32) {
            self.address = address
            self.index = index
        }
    }

    /// Prepares the sender of all items.
    static func sender(_ batch: AnnouncementBatch, _ command: SendArpCommand) throws -> AnnouncementSet {
        let socket = try NetlinkSocket(.route)
        var names: [String] = []
        for item in batch.items where !names.contains(item.device) {
            names.append(item.device)
        }
        var devices: [AnnouncingDevice] = []
        for name in names {
            devices.append(try AnnouncementRun.device(name, socket))
        }
        let addresses = try socket.addresses()
        let local = Set(addresses.map(\.address))
        let settled = Set(
            addresses.filter { $0.flags.isDisjoint(with: [.tentative, .duplicate]) }.map {
                Holder($0.address, $0.interfaceIndex)
            }
        )
        let set = try AnnouncementSet(devices: devices)
        let routers = devices.map { AnnouncementRun.isForwarding($0) }
        let positions = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        for item in batch.items {
            guard let position = positions[item.device] else {
                continue
            }
            let isForeign = !local.contains(item.address)
            let mayBeForeign = command.allowsForeignAddress || item.hardware != nil
            guard !isForeign || (mayBeForeign && item.address.family == .ipv4) else {
                throw SendFailure(
                    status: 2,
                    text: "\(item.address) is not an address of this host (-F announces an IPv4 address anyway)"
                )
            }
            if item.address.family == .ipv6,
                !settled.contains(Holder(item.address, devices[position].index))
            {
                try AnnouncementRun.awaitUsable(item.address, devices[position], socket)
            }
            try append(item, command, on: position, devices[position], isRouter: routers[position], to: set)
        }
        return set
    }

    private static func append(
        _ item: AnnouncementBatch.Item,
        _ command: SendArpCommand,
        on position: Int,
        _ device: AnnouncingDevice,
        isRouter: Bool,
        to set: AnnouncementSet
    ) throws {
        let hardware = item.hardware ?? device.hardware
        guard hardware.bytes.count == device.hardware.bytes.count else {
            throw SendFailure(status: 2, text: "\(hardware) does not fit device \(device.name)")
        }
        if item.address.family == .ipv4 {
            let announcement = Announcement(
                address: item.address,
                hardware: hardware,
                hardwareType: device.hardwareType,
                style: command.style,
                usesOnesAsTarget: command.usesOnesAsTarget
            )
            set.append(announcement, on: position)
        } else if let advertisement = NeighborAdvertisement(
            target: item.address,
            hardware: hardware,
            isRouter: isRouter
        ) {
            set.append(advertisement, on: position)
        }
    }
}
