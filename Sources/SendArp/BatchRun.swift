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

    /// Prepares the announcements of all items.
    static func announcements(_ batch: AnnouncementBatch, _ command: SendArpCommand) throws -> AnnouncementSet {
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
        let set = AnnouncementSet(command.style, usesOnesAsTarget: command.usesOnesAsTarget)
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
            if let hardware = item.hardware, hardware.bytes.count != devices[position].hardware.bytes.count {
                throw SendFailure(status: 2, text: "\(hardware) does not fit device \(item.device)")
            }
            try set.append(item.address, on: devices[position], hardware: item.hardware)
        }
        return set
    }
}
