// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Waits until every address is usable where it belongs: at most a second for links, and for duplicate address detection
    /// of all at once as long as half the action's timeout allows, at most ten seconds.
    ///
    /// - Parameters:
    ///   - members: The addresses.
    ///   - links: The index of the interface of each.
    ///   - socket: The connection to the kernel.
    /// - Returns: nil, or what is wrong.
    /// - Throws: ``NetlinkError`` when the kernel cannot be asked.
    func settle(
        _ members: [AddressSettings],
        on links: [Int32],
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) -> OCFError? {
        let watch = try SettleWatch()
        let linkDeadline = Deadline(after: .seconds(1))
        let half = (environment.timeoutMilliseconds ?? 20_000) / 2
        let addressDeadline = Deadline(after: .milliseconds(min(10_000, half)))
        while true {
            let view = try AddressSetView.read(socket, members)
            var pending = Set<AddressKey>()
            var waitsForLink = false
            var problem: OCFError?
            for (number, member) in members.enumerated() {
                let holders = view.holders[number].filter { $0.link.index == links[number] }
                pending.formUnion(
                    holders.lazy.filter { $0.address.flags.contains(.tentative) }.map { AddressKey($0.address) }
                )
                let state = AddressState.judge(holders, member)
                if case .linkDown = state {
                    waitsForLink = true
                }
                if state != .usable && problem == nil {
                    var code = OCFExit.generic
                    if case .duplicate = state {
                        code = member.collisionExit
                    }
                    problem = OCFError(code, member.explain(state))
                }
            }
            guard problem == nil ? !pending.isEmpty : waitsForLink else {
                return problem
            }
            let deadline = problem == nil ? addressDeadline : linkDeadline
            if deadline.hasPassed {
                if problem == nil {
                    log.warning("\(set.summary): duplicate address detection has not finished")
                }
                return problem
            }
            try watch.wait(for: waitsForLink ? [] : pending, until: deadline)
        }
    }

    /// Waits until links that were just set up can pass packets, at most a second.
    func awaitLinks(_ links: [NetworkLink], _ socket: borrowing NetlinkSocket) throws(NetlinkError) {
        guard links.contains(where: { !$0.isUp }) else {
            return
        }
        let watch = try SettleWatch()
        let deadline = Deadline(after: .seconds(1))
        let wanted = Set(links.map(\.index))
        while try socket.links().contains(where: { wanted.contains($0.index) && $0.state == .down }),
            !deadline.hasPassed
        {
            try watch.wait(for: [], until: deadline)
        }
    }
}

/// What identifies an address on the host.
struct AddressKey: Hashable {
    let interfaceIndex: Int32
    let address: IPAddress
    let prefixLength: UInt8

    init(_ address: InterfaceAddress) {
        interfaceIndex = address.interfaceIndex
        self.address = address.address
        prefixLength = address.prefixLength
    }
}

/// The kernel's notifications while links and addresses settle: whoever waits reads the tables again only when it matters.
private final class SettleWatch {
    private let monitor: NetlinkMonitor

    /// Subscribes; what was read before may be out of date, what is read from now on is followed by its changes.
    init() throws(NetlinkError) { monitor = try NetlinkMonitor(route: [.link, .ipv6Address]) }

    /// Waits until a link changes, a tentative address fails or goes, or none is tentative any more.
    func wait(for tentative: Set<AddressKey>, until deadline: Deadline) throws(NetlinkError) {
        var pending = tentative
        while try monitor.wait(until: deadline) {
            var isDecided = false
            while !isDecided {
                switch try monitor.receive() {
                case .none: break
                case .lost:
                    isDecided = true
                    continue
                case .messages(let messages):
                    for message in messages {
                        isDecided = isDecided || Self.decides(message, &pending)
                    }
                    continue
                }
                break
            }
            if isDecided || pending.isEmpty {
                return
            }
        }
    }

    private static func decides(_ message: NetlinkMessage, _ pending: inout Set<AddressKey>) -> Bool {
        guard let address = InterfaceAddress(message) else {
            return NetworkLink(message) != nil
        }
        guard pending.contains(AddressKey(address)) else {
            return false
        }
        if !address.flags.contains(.tentative) {
            pending.remove(AddressKey(address))
        }
        return InterfaceAddress.isRemoval(message) || address.flags.contains(.duplicate)
    }
}
