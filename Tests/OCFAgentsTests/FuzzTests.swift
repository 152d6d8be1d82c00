// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Netlink
import Testing

@testable import OCFAgents

/// Damaged and nonsensical input for whatever the agents read: files of their own, the kernel's lists, parameters.
///
/// The seed names the failing case.
@Suite(.timeLimit(.minutes(10))) struct FuzzTests {
    static let pieces = [
        "198.51.100.50", "32", "24", "255.255.255.255", "lo", "va0", "253", "300", "-1", "0", "+", ":", "/", "%", ".",
        "::",
        "2001:db8::1", "fe80::1", "01:00:5e:00:00:01", "01005e000001", "0x", "0xfff", "4294967296",
        "99999999999999999999",
        " ", "\t", "\n", "\n\n", "\u{0}", "é", "\u{301}", "#", "-r", "-i", "-UA", "true", "yes", "auto", "nft",
        "hosts:",
        "@/", String(repeating: "9", count: 300),
    ]

    private func text(_ random: inout SeededGenerator, upTo count: Int = 10) -> String {
        (0..<Int.random(in: 0...count, using: &random)).map { _ in Self.pieces.randomElement(using: &random) ?? "" }
            .joined()
    }

    /// Random bytes, which need not be UTF-8.
    private func bytes(_ random: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private func write(_ bytes: [UInt8], to path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    private func view(_ random: inout SeededGenerator) throws -> NetworkView {
        let links = ["lo", "va0", "va1", "ipsec0"].enumerated().map { number, name in
            NetworkLink(
                index: Int32(number + 1),
                name: name,
                flags: UInt32.random(in: 0...0xff, using: &random),
                state: NetworkLink.OperationalState(rawValue: UInt8.random(in: 0...6, using: &random)) ?? .up
            )
        }
        let base = [try #require(IPAddress("198.51.100.50")), try #require(IPAddress("2001:db8::1"))]
        let addresses = (0..<4).map { _ in
            let address = base[Int.random(in: 0...1, using: &random)]
            return InterfaceAddress(
                interfaceIndex: Int32.random(in: -1...6, using: &random),
                address: address,
                prefixLength: UInt8.random(in: 0...255, using: &random),
                broadcast: base[Int.random(in: 0...1, using: &random)],
                label: text(&random, upTo: 2),
                flags: .init(rawValue: UInt32.random(in: 0...0x3ff, using: &random))
            )
        }
        let routes = (0..<4).map { _ in
            Route(
                destination: base[Int.random(in: 0...1, using: &random)],
                prefixLength: UInt8.random(in: 0...255, using: &random),
                table: UInt32.random(in: 253...255, using: &random),
                interfaceIndex: Int32.random(in: -1...6, using: &random),
                preferredSource: base[Int.random(in: 0...1, using: &random)],
                metric: Bool.random(using: &random) ? UInt32.max : nil
            )
        }
        return NetworkView(links: links, addresses: addresses, routes: routes)
    }

    @Test(arguments: 0..<UInt64(4)) func memoriesAreReadWithCare(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let directory = "/tmp/vervet-fuzz-\(getpid())-\(seed)"
        try TextFile.makeDirectory(directory)
        let address = try #require(IPAddress("198.51.100.50"))
        let loopback = LoopbackMemory(directory: directory, address: address)
        let list = AddressSetMemory(path: "\(directory)/list")
        defer {
            loopback.forget()
            list.forget()
            rmdir(directory)
        }
        let valid = Array("198.51.100.50 32 255.255.255.255 lo 254\n".utf8)
        for _ in 0..<300 {
            var damaged = Bool.random(using: &random) ? valid : Array(text(&random).utf8)
            if Bool.random(using: &random) {
                damaged = bytes(&random)
            } else if let place = damaged.indices.randomElement(using: &random) {
                damaged[place] = UInt8.random(in: 0...255, using: &random)
            }
            let view = try view(&random)
            write(damaged, to: loopback.path)
            let saved = loopback.saved(in: view)
            #expect(saved == nil || saved?.address == address)
            write(damaged, to: list.path)
            #expect(list.items.count <= AddressList.limit)
        }
    }

    @Test(arguments: 0..<UInt64(4)) func parametersAndViewsNeverTrap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let names =
            IPaddr2Parameters.all.map(\.name) + [
                "netmask", "clusterip_table", "clusterip_chain", "CRM_meta_clone_max", "CRM_meta_clone",
                "CRM_meta_globally_unique", "CRM_meta_timeout", "CRM_meta_interval",
            ]
        for _ in 0..<400 {
            var variables = ["OCF_RESKEY_ip": Bool.random(using: &random) ? "198.51.100.50" : "2001:db8::1"]
            for _ in 0..<5 {
                variables["OCF_RESKEY_\(names.randomElement(using: &random) ?? "")"] = text(&random, upTo: 3)
            }
            if Bool.random(using: &random) {
                variables["OCF_RESKEY_CRM_meta_clone_max"] = "3"
            }
            let environment = AgentEnvironment(variables: variables, type: "IPaddr2")
            let settings = AddressSettings(environment)
            let view = try view(&random)
            let holders = view.holders(settings)
            _ = settings.explain(AddressState.judge(holders, settings))
            for holder in holders {
                _ = view.dependants(of: holder.address)
            }
            let placement = try? Placement.derive(settings, view)
            _ = try? placement?.label(settings)
            if let address = settings.address, let cluster = settings.cluster {
                let prefix = placement?.prefix ?? 24
                #expect(cluster.hardware(of: address, prefix: prefix, broadcast: nil)?.bytes.count == 6)
                _ = cluster.seed(of: address, prefix: prefix, broadcast: placement?.broadcast)
            }
            let set = AddressSet(environment)
            #expect(!set.summary.isEmpty && set.members.count <= AddressList.limit)
            _ = try? AnnouncerOptions(text(&random))
            _ = environment.checkLevel + environment.intervalMilliseconds
        }
    }

    /// What is given to nft(8) has no character that could end a word, a line or a text in quotes.
    @Test(arguments: 0..<UInt64(2)) func rulesHoldNothingForeign(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+:;{}\" \n")
        for _ in 0..<1000 {
            let device = text(&random, upTo: 3)
            guard ClusteredRules.canName(device), let address = IPAddress(text(&random, upTo: 1)) else {
                continue
            }
            let rules = ClusteredRules(address: address, device: device, buckets: 2, seed: .max, mangle: nil)
            #expect(rules.installation(of: 1).allSatisfy(allowed.contains))
            #expect(!device.contains("\n") && !device.contains("\"") && !device.contains("*"))
        }
    }

    @Test(arguments: 0..<UInt64(2)) func theKernelsListsNeverTrap(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let hardware = try #require(LinkLayerAddress("01:00:5e:00:00:01"))
        for _ in 0..<500 {
            _ = MulticastMembership.isListed(hardware, on: "va0", in: text(&random, upTo: 20))
            let rule = FilterRule(chain: "prerouting", handle: 1, comment: "cip-node-" + text(&random, upTo: 2))
            #expect((ClusteredRules.bucket(of: rule) ?? 1) >= 0)
        }
    }
}
