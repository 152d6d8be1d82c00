// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink

extension IPaddr2Agent {
    /// Makes changed parameters effective while the addresses stay as they are.
    ///
    /// Most of what may be reloaded is read anew by the action that uses it. The preferred lifetime is the kernel's, so
    /// it is replaced in place (`ip address change … preferred_lft`).
    func reload() throws(OCFError) -> OCFExit {
        if let problem = set.problem ?? set.configurationProblem {
            throw OCFError(.configured, problem)
        }
        let deprecable = set.members.filter { $0.address?.family == .ipv6 }
        guard !deprecable.isEmpty, !isNamespaceMissing else {
            return .success
        }
        return try withNetwork { (socket) throws(OCFError) in
            do throws(NetlinkError) {
                let view = try NetworkView.read(socket, .ipv6)
                for member in deprecable {
                    for holder in view.holders(member) {
                        try renew(holder, member, socket)
                    }
                }
                return .success
            } catch {
                throw OCFError(error)
            }
        }
    }

    private func renew(
        _ holder: AddressHolder,
        _ member: AddressSettings,
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) {
        // A lifetime runs down, so only "for ever" and 0 can be seen to be as they should be.
        let isSame = holder.address.preferredSeconds == member.preferredSeconds
        guard !isSame || ![nil, 0].contains(member.preferredSeconds) else {
            return
        }
        var wanted = holder.address
        wanted.flags.formIntersection([.noDuplicateDetection, .noPrefixRoute])
        wanted.preferredSeconds = member.preferredSeconds
        try socket.replace(wanted)
        let words = member.preferredSeconds.map { "\($0) s" } ?? "for ever"
        log.info("\(wanted.address) on \(holder.link.name) is preferred \(words)")
    }
}
