// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// What a heartbeat that was started by root gives up once everything that only root may open is open.
enum Privileges {
    /// capabilities(7): raw sockets for pings and to bind to an interface, real-time priority, locked memory.
    private static let kept: UInt32 = 1 << 13 | 1 << 14 | 1 << 23

    /// Becomes an ordinary user of the cluster manager's group, which may set node attributes.
    ///
    /// Corosync must know the user: `uidgid { uid: NAME }` in /etc/corosync/uidgid.d.
    ///
    /// - Parameter user: The account's name.
    /// - Throws: ``SystemError``; ENOENT when there is no such account.
    static func drop(to user: String) throws(SystemError) {
        guard geteuid() == 0 else {
            return
        }
        guard let account = getpwnam(user) else {
            throw SystemError(operation: "become user", subject: user, code: ENOENT)
        }
        let (uid, own) = (account.pointee.pw_uid, account.pointee.pw_gid)
        let group = getgrnam("haclient").map { $0.pointee.gr_gid } ?? own
        let others = [own, group]
        try systemCall("become user", user) { vervet_become(uid, group, others, CInt(others.count), kept) }
    }
}
