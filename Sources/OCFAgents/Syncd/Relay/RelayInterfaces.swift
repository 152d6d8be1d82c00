// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink

/// The two interfaces without a wire between the kernel's daemons and the relay.
///
/// What the master sends goes nowhere else,
/// and nothing from outside reaches the backup.
struct RelayInterfaces {
    /// Without an address of the interface the kernel sends from any other of the host, even from a virtual one.
    private static let addresses: [(name: String, address: IPAddress)] = [
        (SyncdRelaySettings.captureInterface, IPAddress(ipv4: 0xa9fe_5601)),
        (SyncdRelaySettings.injectionInterface, IPAddress(ipv4: 0xa9fe_5602)),
    ]

    private let log: AgentLog

    init(_ log: AgentLog) { self.log = log }

    /// Makes sure that they are there, up, and have their addresses (169.254.86.1 and .2).
    ///
    /// - Throws: ``OCFError``.
    func ensure(_ wanted: Set<String>) throws(OCFError) {
        do throws(NetlinkError) {
            let socket = try NetlinkSocket(.route)
            for (name, address) in Self.addresses where wanted.contains(name) {
                if if_nametoindex(name) == 0 {
                    try create(name, socket)
                    log.info("created interface \(name)")
                }
                let index = Int32(if_nametoindex(name))
                try socket.setUp(interfaceIndex: index)
                do throws(NetlinkError) {
                    // Of global scope: the kernel takes no other for its datagrams.
                    try socket.add(InterfaceAddress(interfaceIndex: index, address: address, prefixLength: 32))
                } catch  where error.code == EEXIST {
                    continue
                }
            }
        } catch {
            throw OCFError(error.code == EPERM ? .permission : .generic, "\(error)")
        }
    }

    /// Removes those that are there.
    func remove() throws(OCFError) {
        do throws(NetlinkError) {
            let socket = try NetlinkSocket(.route)
            for (name, _) in Self.addresses {
                let index = if_nametoindex(name)
                guard index != 0 else {
                    continue
                }
                do throws(NetlinkError) {
                    try socket.removeLink(index: Int32(index), name: name)
                } catch  where error.code == ENODEV {
                    continue
                }
                log.info("removed interface \(name)")
            }
        } catch {
            throw OCFError(.generic, "\(error)")
        }
    }

    /// A dummy; where the kernel has none, a bridge without ports does the same.
    private func create(_ name: String, _ socket: borrowing NetlinkSocket) throws(NetlinkError) {
        do throws(NetlinkError) {
            try socket.createLink(name, kind: "dummy")
        } catch  where error.code == EOPNOTSUPP {
            try socket.createLink(name, kind: "bridge")
        }
        // No neighbour discovery on a wire that is none; a kernel without IPv6 has no such file.
        let switchOff = "/proc/sys/net/ipv6/conf/\(name)/accept_ra"
        if let file = try? OwnedDescriptor(opening: switchOff, flags: O_WRONLY) {
            _ = write(file.raw, "0\n", 2)
        }
    }
}
