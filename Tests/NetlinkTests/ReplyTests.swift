// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@testable import Netlink

/// The kernel's recorded answers, decoded as they are and after damage.
@Suite struct ReplyTests {
    private func data(_ reply: [UInt8]) -> [NetlinkMessage] {
        NetlinkMessage.parse(reply).messages.filter {
            if case .data = NetlinkAnswer($0) {
                return true
            }
            return false
        }
    }

    @Test func recordedAnswersAreUnderstood() throws {
        let links = data(CapturedReplies.links).compactMap(NetworkLink.init)
        #expect(links.map(\.name).sorted() == ["lo", "va0", "vb0"])
        #expect(links.first { $0.name == "va0" }?.isNamed("public0") == true)
        let addresses = data(CapturedReplies.addresses).compactMap(InterfaceAddress.init)
        let web = try #require(addresses.first { $0.label == "va0:web" })
        #expect(web.address == IPAddress("198.51.100.50") && web.flags.contains(.secondary))
        #expect(addresses.contains { $0.peer == IPAddress("192.0.2.2") })
        let deprecated = try #require(addresses.first { $0.address == IPAddress("2001:db8::1") })
        #expect(deprecated.preferredSeconds == 0 && deprecated.flags.contains([.deprecated, .noDuplicateDetection]))
        let routes = data(CapturedReplies.routes).compactMap(Route.init)
        #expect(routes.contains { $0.metric == 7 && $0.gateway == IPAddress("198.51.100.254") })
        #expect(routes.contains { $0.kind == .blackhole && $0.interfaceIndex == nil })
        #expect(!data(CapturedReplies.routesOfIPv6).compactMap(Route.init).isEmpty)
    }

    @Test func rulesAreKnownByTheirComments() {
        let rules = data(CapturedReplies.filterRules).compactMap(FilterRule.init)
        #expect(rules.map(\.comment) == ["cip-node-1", ""])
        #expect(rules.allSatisfy { $0.chain == "prerouting" } && rules[0].handle < rules[1].handle)
        guard let last = NetlinkMessage.parse(CapturedReplies.missingTable).messages.last else {
            Issue.record("no message")
            return
        }
        #expect(NetlinkAnswer(last) == .end(code: 2, detail: ""))
    }

    @Test func refusalsCarryTheKernelsWords() throws {
        let message = try #require(NetlinkMessage.parse(CapturedReplies.refusal).messages.first)
        guard case .end(let code, let detail) = NetlinkAnswer(message) else {
            Issue.record("\(message)")
            return
        }
        #expect(code == 22 && detail.contains("ipv4"), "\(detail)")
    }

    /// Every decoder gets every message, whatever its type says.
    private func decode(_ datagram: [UInt8]) {
        for message in NetlinkMessage.parse(datagram).messages {
            _ = NetlinkAnswer(message)
            _ = GenericAnswer(message)
            for type: UInt16 in [16, 17, 20, 21, 24, 25, 0x0a06] {
                var message = message
                message.type = type
                _ = NetworkLink(message)
                _ = InterfaceAddress(message)?.payload
                _ = Route(message).map { $0.contains($0.destination) }
                _ = FilterRule(message)
            }
        }
    }

    @Test(arguments: 0..<CapturedReplies.all.count) func truncatedAnswersNeverTrap(number: Int) {
        let reply = CapturedReplies.all[number]
        for length in stride(from: 0, to: reply.count, by: 3) {
            decode(Array(reply.prefix(length)))
        }
    }

    @Test(arguments: 0..<UInt64(8)) func damagedAnswersNeverTrap(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for reply in CapturedReplies.all {
            for _ in 0..<60 {
                var bytes = reply
                for _ in 0..<Int.random(in: 1...12, using: &random) where !bytes.isEmpty {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<6, using: &random) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                    case 2: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
                    case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                    case 4: bytes.remove(at: place)
                    // The usual limits of lengths and counts.
                    default: bytes[place] = [0, 1, 3, 4, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
                    }
                }
                decode(bytes)
            }
        }
    }
}
