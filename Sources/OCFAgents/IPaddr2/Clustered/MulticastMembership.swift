// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// A device's membership in a hardware multicast address (`ip maddress add … dev …`, packet(7), netdevice(7)).
struct MulticastMembership: Sendable, Equatable {
    let device: String
    let hardware: LinkLayerAddress

    /// Joins; a second time changes nothing.
    func join() throws(SystemError) { try change(joins: true) }

    /// Leaves; what was not joined is fine.
    func leave() throws(SystemError) {
        do {
            try change(joins: false)
        } catch {
            guard error.code == ENOENT || error.code == ENODEV else {
                throw error
            }
        }
    }

    private func change(joins: Bool) throws(SystemError) {
        guard hardware.bytes.count == 6 else {
            throw SystemError(operation: "join", subject: "\(hardware) on \(device)", code: EINVAL)
        }
        try systemCall(joins ? "join" : "leave", "\(hardware) on \(device)") {
            vervet_multicast_membership(device, hardware.bytes, joins ? 1 : 0)
        }
    }

    /// Whether the device listens; true when the kernel does not tell.
    var isJoined: Bool {
        guard let table = try? TextFile.read("/proc/self/net/dev_mcast", limit: 1 << 20) else {
            return true
        }
        return Self.isListed(hardware, on: device, in: table)
    }

    /// Looks for a line: index, device, users, static users, and the address in bare hex digits.
    static func isListed(_ hardware: LinkLayerAddress, on device: String, in table: String) -> Bool {
        let digits = hardware.description.filter { $0 != ":" }
        return table.split(separator: "\n").contains { line in
            let fields = line.split(whereSeparator: \.isWhitespace)
            return fields.count == 5 && fields[1] == device && fields[4] == digits
        }
    }
}
