// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Netlink
import Testing

/// The kernel's notifications, in a network namespace of their own.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct NetlinkMonitorTests {
    /// Notifications up to the first quiet moment.
    private func read(_ monitor: borrowing NetlinkMonitor) throws -> [NetlinkMonitor.Event] {
        var events: [NetlinkMonitor.Event] = []
        while true {
            let event = try monitor.receive()
            if event == .none {
                return events
            }
            events.append(event)
        }
    }

    /// A socket stays in the namespace in which it was made; the thread comes back.
    private func monitor(
        of groups: [NetlinkMonitor.RouteGroup],
        in space: NetworkNamespace
    ) throws -> NetlinkMonitor {
        let home = try OwnedDescriptor(opening: "/proc/thread-self/ns/net", flags: O_RDONLY)
        let descriptor = try OwnedDescriptor(opening: space.path, flags: O_RDONLY)
        try systemCall("setns") { vervet_setns_network(descriptor.raw) }
        defer { precondition(vervet_setns_network(home.raw) == 0, "cannot return to the network namespace") }
        return try NetlinkMonitor(route: groups)
    }

    @Test func linksAndAddressesAreToldInOrder() throws {
        let space = try NetworkNamespace()
        let monitor = try monitor(of: [.link, .ipv4Address], in: space)
        #expect(try read(monitor) == [])
        try space.run("ip link add mon0 type veth peer name mon1")
        try space.run("ip addr add 192.0.2.1/24 dev mon0")
        try space.run("ip link del mon0")
        var kinds: [UInt16] = []
        for event in try read(monitor) {
            guard case .messages(let messages) = event else {
                Issue.record("\(event)")
                continue
            }
            kinds += messages.map(\.type)
        }
        // RTM_NEWLINK 16 before RTM_NEWADDR 20, RTM_DELADDR 21 and RTM_DELLINK 17.
        #expect(kinds.first == 16)
        #expect(kinds.filter { $0 == 20 } == [20])
        #expect(kinds.filter { $0 == 21 } == [21])
        #expect(kinds.last == 17)
    }

    @Test func anOverrunIsToldOnce() throws {
        let space = try NetworkNamespace()
        let monitor = try monitor(of: [.ipv4Address], in: space)
        // The smallest buffer the kernel allows holds a few notifications.
        let size = socklen_t(MemoryLayout<CInt>.size)
        try systemCall("setsockopt") { setsockopt(monitor.descriptor, SOL_SOCKET, SO_RCVBUF, [CInt(1)], size) }
        for number in 1...40 {
            try space.run("ip addr add 192.0.2.\(number)/32 dev lo")
        }
        let events = try read(monitor)
        #expect(events.filter { $0 == .lost }.count == 1)
    }
}
