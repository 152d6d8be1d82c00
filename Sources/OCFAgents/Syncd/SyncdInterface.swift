// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit
import Netlink

/// Sees that the interface can carry the daemons' datagrams before they start.
struct SyncdInterface {
    /// Longest wait for the interface to come up.
    private static let patience: Duration = .seconds(10)
    private static let pause: UInt32 = 100_000

    private let name: String
    private let family: IPAddress.Family
    private let maximumLength: Int?
    private let log: AgentLog

    init(_ daemon: SyncDaemon, _ log: AgentLog) {
        name = daemon.interface
        family = daemon.group?.family ?? .ipv4
        maximumLength = daemon.maximumLength.map(Int.init)
        self.log = log
    }

    /// Waits until the interface is up and has an address of the group's family.
    ///
    /// The kernel refuses a master on an interface that is down, and without an address there it sends from any other
    /// address of the host, even from a virtual one.
    ///
    /// - Throws: ``OCFError``: ``OCFExit/installed`` without the interface, ``OCFExit/configured`` when maxlen does not
    ///   fit, ``OCFExit/generic`` when it stays down.
    func wait() throws(OCFError) {
        let deadline = Deadline(after: Self.patience)
        var problem = ""
        repeat {
            let link: NetworkLink?
            let addresses: [InterfaceAddress]
            do throws(NetlinkError) {
                let socket = try NetlinkSocket(.route)
                link = try socket.links().first { $0.name == name }
                addresses = try socket.addresses(family)
            } catch {
                throw OCFError(.generic, "\(error)")
            }
            guard let link else {
                throw OCFError(.installed, "interface \(name) does not exist on this node")
            }
            try checkLength(link)
            let hasAddress = addresses.contains {
                $0.interfaceIndex == link.index && $0.flags.isDisjoint(with: [.tentative, .duplicate])
            }
            if link.isUp, hasAddress {
                return
            }
            problem = link.isUp ? "has no address" : "is down"
            usleep(Self.pause)
        } while !deadline.hasPassed
        guard problem == "has no address" else {
            throw OCFError(.generic, "interface \(name) \(problem): set it up before starting the sync daemons")
        }
        log.warning("interface \(name) \(problem) of the group's family: the kernel sends from another address")
    }

    private func checkLength(_ link: NetworkLink) throws(OCFError) {
        let room = Int(link.mtu) - (family == .ipv4 ? 28 : 48)
        if let maximumLength, maximumLength > room {
            throw OCFError(
                .configured,
                "parameter maxlen=\"\(maximumLength)\": at most \(room) fit into the MTU of \(name)"
            )
        }
    }
}
