// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// Parameters that are wrong: the right exit codes, one line of reason, and a system that nothing has changed on.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct BadInputTests {
    /// One set of parameters and how start, validate-all, monitor and probe answer; stop is always 0.
    struct Mistake: Sendable, CustomTestStringConvertible {
        let parameters: [String: String]
        let start: CInt
        let validation: CInt
        let monitor: CInt
        let probe: CInt

        /// A mistake in where the address goes.
        static func place(_ parameters: [String: String], monitor: CInt = 7) -> Mistake {
            Mistake(parameters: parameters, start: 5, validation: 6, monitor: monitor, probe: 7)
        }

        /// A mistake in another parameter.
        static func other(_ parameters: [String: String]) -> Mistake {
            Mistake(parameters: parameters, start: 6, validation: 6, monitor: 7, probe: 7)
        }

        var testDescription: String {
            parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.prefix(40))" }.joined(separator: " ")
        }
    }

    static let addresses: [Mistake] = [
        "not_ip", "198.51.100.256", "198.51.100.050", "198.51.100.", "198.51.100.5.0", "0.1.2.3", "198.51.100.50/24",
        "198.51.100.50 198.51.100.51", "0x7f.1.1.1", "3325256754", "::ffff:198.51.100.50", "2001:db8::g",
        "2001:db8:::1", "2001:db8::1::2", "1:2:3:4:5:6:7:8:9", "2001:db8::1/64", "2001:db8::1%va0", "fe80::50", ":",
        "198.51.100.50\u{7}", "198.51.100.50\nocf-exit-reason:forged", "$(reboot)", "é", "-1",
        String(repeating: "9", count: 20_000),
    ].map { .place(["ip": $0], monitor: $0 == "fe80::50" ? 7 : 1) }

    static let places: [Mistake] =
        [
            "33", "0", "-1", "abc", "255.0.255.0", "0.0.0.0", "24.0", " 24", "24 ", "/24", "4294967320",
            "99999999999999999999",
        ]
        .map { .place(["cidr_netmask": $0]) }
        + [
            .place(["netmask": "33"]), .place(["ip": "2001:db8::1", "cidr_netmask": "129"]),
            .place(["ip": "2001:db8::1", "cidr_netmask": "255.255.255.0"]),
            .place(["broadcast": "bad"]), .place(["broadcast": "198.51.100"]), .place(["broadcast": "2001:db8::1"]),
            .place(["broadcast": "+-"]), .place(["proto": "nosuch"]), .place(["proto": "0"]), .place(["proto": "256"]),
            .place(["nic": "nonic"], monitor: 1), .place(["nic": "va0 va1"], monitor: 1),
            .place(["nic": "../va0"], monitor: 1), .place(["nic": "a name far too long for the kernel"], monitor: 1),
            .place(["nic": "*"], monitor: 1),
        ]

    static let others: [Mistake] = [
        ["iflabel": "abcdefghijkl"], ["nic": "va0:abcdefghijkl"], ["arp_count": "0"], ["arp_count": ""],
        ["arp_count": "-1"], ["arp_count": "5 "], ["arp_count": "99999999999999999999"], ["arp_interval": "x"],
        ["arp_interval": ""], ["arp_interval": "0"], ["arp_interval": "0.5"], ["arp_count_refresh": "x"],
        ["arp_count_refresh": "-1"], ["arp_sender": "bogus"], ["arp_sender": "/bin/sh"], ["send_arp_opts": "-D"],
        ["send_arp_opts": "-p /etc/passwd"], ["send_arp_opts": "; reboot"], ["send_arp_opts": "-r"],
        ["send_arp_opts": "-UA"], ["collision_exit": "6"], ["lvs_ipv6_addrlabel_value": "x"],
        ["lvs_ipv6_addrlabel_value": "4294967295"], ["ip": "2001:db8:1::50", "preferred_lft": ""],
        ["ip": "2001:db8:1::50", "preferred_lft": "soon"], ["ip": "2001:db8:1::50", "preferred_lft": "4294967296"],
        ["ip": "2001:db8:1::50", "lvs_support": "true"], ["unique_clone_address": "true"],
        ["CRM_meta_clone_max": "x"], ["CRM_meta_clone_max": "0"], ["CRM_meta_clone_max": "-2"],
        ["CRM_meta_clone_max": "2"], ["CRM_meta_clone_max": "2", "CRM_meta_clone": "2"], ["no_such": "1"],
    ].map(Mistake.other)

    static let lists: [Mistake] = [
        "x", "198.51.100.50-10", "198.51.100.50-300", "hosts:10.0.0.0/8", "hosts:198.51.100.0", "hosts:",
        "198.51.100.50/33", "198.51.100.50%", "@relative", "@/no/such/file", "@/etc", "@", "-",
        "198.51.100.50-2001:db8::1",
        "10.0.0.1-10.255.255.255", "198.51.100.50/24 198.51.100.50/25",
    ].map { .place(["ip": "", "ips": $0], monitor: 1) }

    static let hosts: [Mistake] = [
        Mistake(parameters: ["ip": ""], start: 6, validation: 6, monitor: 6, probe: 6),
        Mistake(parameters: ["network_namespace": "vervet-none"], start: 5, validation: 0, monitor: 7, probe: 7),
        Mistake(parameters: ["network_namespace": "../netns"], start: 5, validation: 0, monitor: 7, probe: 7),
        Mistake(parameters: ["network_namespace": ".."], start: 5, validation: 0, monitor: 7, probe: 7),
        Mistake(parameters: ["ip": "203.0.113.9"], start: 5, validation: 1, monitor: 7, probe: 7),
        Mistake(parameters: ["nic": "va1"], start: 5, validation: 1, monitor: 7, probe: 7),
        Mistake(parameters: ["cidr_netmask": "8"], start: 5, validation: 1, monitor: 7, probe: 7),
    ]

    let site: Site

    init() throws { site = try Site() }

    /// All that an agent could have changed, line by line, in no order.
    private func picture() throws -> [String] {
        let commands = [
            "ip -o address show", "ip -o link show", "ip route show table all", "ip -6 route show table all",
            "ip rule show", "ip addrlabel list", "ip maddress show", "ls -A \(site.directory)",
        ]
        return try commands.flatMap { try site.a.run($0).split(separator: "\n").map(String.init) }.sorted()
    }

    @Test(arguments: addresses + places + others + lists + hosts)
    func nothingHappens(mistake: Mistake) throws {
        for device in ["va0", "va1"] {
            // No address of the kernel's own, whose state changes by itself.
            let switches = ["disable_ipv6=1", "addr_gen_mode=1", "disable_ipv6=0"]
            try site.a.run("sysctl -qw \(switches.map { "net.ipv6.conf.\(device).\($0)" }.joined(separator: " "))")
            try site.a.run("ip -6 address add 2001:db8:1::1/64 dev \(device) nodad")
        }
        try TextFile.write("\(site.directory)/log", "")
        // The kernel finishes what it does for a new link and a new address after a while.
        var before = try picture()
        _ = try Site.wait {
            usleep(200_000)
            let earlier = before
            before = try picture()
            return before == earlier && before.count { $0.contains(" state UP ") } == 2
        }
        let agent = Agent(site, mistake.parameters)
        let wanted = [
            ("start", mistake.start), ("validate-all", mistake.validation), ("monitor", mistake.monitor),
            ("probe", mistake.probe), ("stop", 0),
        ]
        for (action, code) in wanted {
            let answer = try agent.call(action)
            #expect(answer.code == code, "\(action): \(answer.errors)")
            let lines = answer.errors.split(separator: "\n")
            let reasons = lines.filter { $0.hasPrefix("ocf-exit-reason:") && $0.utf8.count > 20 }
            #expect(lines.count == reasons.count && reasons.count <= 1, "\(action): \(answer.errors)")
            #expect(answer.code == 0 || answer.code == 7 || reasons.count == 1, "\(action) explains nothing")
            #expect(answer.output.isEmpty)
        }
        let changes = try picture().difference(from: before)
        #expect(changes.isEmpty, "\(changes)")
    }
}
