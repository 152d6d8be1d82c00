// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// Kinds of devices that are modules of the kernel and may be missing.
enum DeviceType: String, Sendable, CaseIterable {
    case vlan
    case bond
    case vrf

    /// The command that makes one above a device.
    func command(_ name: String, above lower: String) -> String {
        switch self {
        case .vlan: "ip link add link \(lower) name \(name) type vlan id 7"
        case .bond: "ip link add \(name) type bond mode active-backup miimon 50"
        case .vrf: "ip link add \(name) type vrf table 77"
        }
    }

    /// Whether the kernel can make one.
    var isAvailable: Bool {
        guard geteuid() == 0, let namespace = try? NetworkNamespace() else {
            return false
        }
        // A loopback device carries no VLAN.
        return ["ip link add probe0 type veth", command("probe1", above: "probe0")].allSatisfy { line in
            let words = line.split(separator: " ").map(String.init)
            return (try? namespace.outcome(words).status.isSuccess) == true
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs only where the kernel has a type of device; the reason is printed otherwise.
    static func needsDevice(_ type: DeviceType) -> Self {
        .enabled(
            if: type.isAvailable,
            "needs root and a kernel with \(type.rawValue) devices; lab/run-guest-tests runs it in the lab guest"
        )
    }
}

/// IPaddr2, send_arp and send_ua on devices that stand on others.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct DeviceTypeTests {
    let site: Site
    let vip = "203.0.113.9"

    init() throws { site = try Site() }

    /// A VLAN or a bond above va1, with its counterpart at the far end, up and with 203.0.113.5/24.
    private func make(_ type: DeviceType) throws -> String {
        let name = "upper7"
        try site.a.run(type.command(name, above: "va1"))
        if type == .bond {
            try site.a.run("ip link set va1 down")
            try site.a.run("ip link set va1 master \(name)")
        }
        if type == .vlan {
            try site.b.run(type.command(name, above: "vb1"))
            try site.b.run("ip link set \(name) up")
        }
        try site.a.run("ip link set \(name) up")
        try site.a.run("ip address add 203.0.113.5/24 brd 203.0.113.255 dev \(name)")
        #expect(try Site.wait { try site.a.run("ip -o link show \(name)").contains("LOWER_UP") })
        return name
    }

    /// The device at the far end that shows untagged frames.
    private func farEnd(of type: DeviceType) -> String { type == .vlan ? "upper7" : "vb1" }

    private func lifeAndAnnouncements(_ type: DeviceType) throws {
        let name = try make(type)
        let hardware = try site.a.run("ip -o link show \(name)")
        let capture = try Capture(farEnd(of: type), of: site.b, in: site)
        let agent = Agent(site, ["ip": vip, "arp_count": "2", "arp_interval": "50", "arp_bg": "false"])
        #expect(try agent.codes("start", "monitor", "start") == [0, 0, 0])
        #expect(try site.has("\(vip)/24", on: name))
        let sender = Site.program("send_arp")
        let outcome = try site.a.outcome([sender, name, vip, "auto", "x", "y"])
        #expect(outcome.status == .exited(0), "\(outcome.errorText)")
        #expect(try agent.codes("stop", "probe") == [0, 7])
        let frames = try capture.frames().filter { $0.sender == vip }
        #expect(frames.map(\.operation) == ["1", "2", "1", "2", "1", "2"])
        #expect(frames.allSatisfy { hardware.contains($0.senderHardware) && $0.destination == "ff:ff:ff:ff:ff:ff" })
    }

    private func advertisements(_ type: DeviceType) throws {
        let name = try make(type)
        try site.a.run("ip -6 address add 2001:db8:9::1/64 dev \(name) nodad")
        let capture = try Capture(farEnd(of: type), of: site.b, in: site, "icmp6[0] == 136")
        let agent = Agent(site, ["ip": "2001:db8:9::50", "arp_count": "2", "arp_interval": "50", "nodad": "true"])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        let outcome = try site.a.outcome(
            ["\(site.directory)/send_ua", "-c", "1", "2001:db8:9::50", "64", name]
        )
        #expect(outcome.status == .exited(0), "\(outcome.errorText)")
        #expect(try agent.codes("stop", "probe") == [0, 7])
        let frames = try capture.frames().filter { $0.advertised == "2001:db8:9::50" && $0.destination == "ff02::1" }
        #expect(frames.count == 3 && frames.allSatisfy { $0.hopLimit == "255" })
    }

    @Test(.needsDevice(.vlan)) func arpOnAVLAN() throws { try lifeAndAnnouncements(.vlan) }
    @Test(.needsDevice(.bond)) func arpOnABond() throws { try lifeAndAnnouncements(.bond) }
    @Test(.needsDevice(.vlan)) func advertisementsOnAVLAN() throws { try advertisements(.vlan) }
    @Test(.needsDevice(.bond)) func advertisementsOnABond() throws { try advertisements(.bond) }

    @Test(.needsDevice(.vlan)) func case66LowerLayerOfAVLANIsDown() throws {
        let name = try make(.vlan)
        let agent = Agent(site, ["ip": vip])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        try site.b.run("ip link set vb1 down")
        #expect(try Site.wait { try site.a.run("ip -o link show \(name)").contains("LOWERLAYERDOWN") })
        let answer = try agent.call("monitor")
        #expect(answer.code == 7 && answer.errors.contains("the link is LOWERLAYERDOWN"), "\(answer)")
        #expect(try agent.codes("probe", "stop", "probe") == [1, 0, 7])
    }

    @Test(.needsDevice(.vrf)) func case67PortOfAVRF() throws {
        try site.a.run(DeviceType.vrf.command("vrf7", above: "va1"))
        try site.a.run("ip link set vrf7 up")
        try site.a.run("ip link set va1 master vrf7")
        try site.a.run("ip address add 203.0.113.5/24 dev va1")
        // Only the main table is asked for a prefix, and the port's routes are in the table of the VRF.
        #expect(try Agent(site, ["ip": vip, "nic": "va1"]).codes("start", "probe", "stop") == [5, 7, 0])
        let agent = Agent(site, ["ip": vip, "nic": "va1", "cidr_netmask": "24"])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        #expect(try site.has("\(vip)/24", on: "va1"))
        #expect(try agent.codes("stop", "probe") == [0, 7])
    }

    @Test(.needsDevice(.bond)) func aBondFailsOverWithItsAddress() throws {
        let name = try make(.bond)
        try site.a.run("ip link set va0 down")
        try site.a.run("ip link set va0 master \(name)")
        let agent = Agent(site, ["ip": vip])
        #expect(try agent.codes("start", "monitor") == [0, 0])
        try site.b.run("ip link set vb1 down")
        #expect(try Site.wait { try site.a.run("cat /proc/net/bonding/\(name)").contains("Active Slave: va0") })
        #expect(try agent.codes("monitor") == [0])
        try site.b.run("ip link set vb0 down")
        #expect(Site.wait { (try? agent.codes("monitor")) == [7] })
        #expect(try agent.codes("stop", "probe") == [0, 7])
    }
}
