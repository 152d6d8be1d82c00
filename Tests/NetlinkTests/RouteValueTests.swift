// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink
import Testing

private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.filter { !$0.isWhitespace })
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
}

/// Values of NETLINK_ROUTE on a little-endian machine, against bytes as the kernel sends them.
@Suite struct RouteValueTests {
    /// RTM_NEWADDR of 198.51.100.50/24 brd 198.51.100.255 secondary label va0 on interface 3.
    static let address = bytes(
        """
        02 18 01 00 03000000
        0800 0100 c6336432 0800 0200 c6336432 0800 0400 c63364ff 0800 0300 76613000
        0800 0800 81000000
        1400 0600 ffffffff ffffffff 11000000 11000000
        """
    )

    /// RTM_NEWROUTE of 198.51.100.0/24 dev 3 proto kernel scope link src 198.51.100.1.
    static let route = bytes(
        """
        02 18 00 00 fe 02 fd 01 00000000
        0800 0f00 fe000000 0800 0100 c6336400 0800 0700 c6336401 0800 0400 03000000
        """
    )

    /// RTM_NEWLINK of va0: up, without carrier, with the alternative name public0.
    static let link = bytes(
        """
        00 00 0100 03000000 03100100 00000000
        0800 0300 76613000 0500 1000 03 000000 0500 2100 00 000000 0800 0400 dc050000
        0a00 0100 deee3bc8d38a 0000 0a00 0200 ffffffffffff 0000
        1000 3480 0c00 3500 7075626c69633000
        """
    )

    @Test func decodesAnAddress() throws {
        let value = try #require(InterfaceAddress(NetlinkMessage(type: 20, payload: Self.address)))
        #expect(value.address == IPAddress("198.51.100.50") && value.prefixLength == 24 && value.interfaceIndex == 3)
        #expect(value.broadcast == IPAddress("198.51.100.255") && value.label == "va0" && value.peer == nil)
        #expect(value.flags == [.permanent, .secondary] && value.scope == .global && value.preferredSeconds == nil)
    }

    @Test func additionAndRemovalCarryWhatIdentifies() throws {
        let value = try #require(InterfaceAddress(NetlinkMessage(type: 20, payload: Self.address)))
        let addition = NetlinkSocket.addition(of: value)
        #expect(addition.type == 20 && addition.flags == [.create, .exclusive])
        let again = try #require(InterfaceAddress(NetlinkMessage(type: addition.type, payload: addition.payload)))
        #expect(again == value)
        let removal = NetlinkSocket.removal(of: value)
        #expect(removal.type == 21)
        #expect(removal.payload == bytes("02 18 00 00 03000000 0800 0200 c6336432 0800 0100 c6336432"))
    }

    @Test func decodesARoute() throws {
        let value = try #require(Route(NetlinkMessage(type: 24, payload: Self.route)))
        #expect(value.destination == IPAddress("198.51.100.0") && value.prefixLength == 24 && value.kind == .unicast)
        #expect(value.table == Route.mainTable && value.scope == 253 && value.origin == 2 && value.interfaceIndex == 3)
        #expect(value.preferredSource == IPAddress("198.51.100.1") && value.gateway == nil && value.metric == nil)
        #expect(value.contains(try #require(IPAddress("198.51.100.77"))))
        #expect(!value.contains(try #require(IPAddress("198.51.101.1"))))
    }

    @Test func decodesALink() throws {
        let value = try #require(NetworkLink(NetlinkMessage(type: 16, payload: Self.link)))
        #expect(value.name == "va0" && value.index == 3 && value.hardwareType == 1 && value.mtu == 1500)
        #expect(value.isUp && !value.isLoopback && !value.hasCarrier && value.state == .lowerLayerDown)
        #expect(value.isNamed("public0") && !value.isNamed("va"))
        #expect(value.address?.description == "de:ee:3b:c8:d3:8a")
    }

    @Test func truncatedAndOddMessagesNeverTrap() {
        var seed: UInt64 = 7
        for (type, payload) in [(20, Self.address), (24, Self.route), (16, Self.link)] {
            for length in 0..<payload.count {
                let message = NetlinkMessage(type: UInt16(type), payload: payload.prefix(length))
                _ = (InterfaceAddress(message), Route(message), NetworkLink(message))
            }
            for _ in 0..<2000 {
                var noisy = payload
                for _ in 0..<3 {
                    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    noisy[Int(seed >> 33) % noisy.count] = UInt8(truncatingIfNeeded: seed >> 56)
                }
                let message = NetlinkMessage(type: UInt16(type), payload: noisy)
                _ = (InterfaceAddress(message), Route(message), NetworkLink(message))
            }
        }
    }

    @Test(arguments: [
        ("10.0.0.1", "10.0.0.2", 31, false), ("10.0.0.1", "10.0.0.0", 31, true), ("10.0.0.1", "192.0.2.1", 0, true),
        ("2001:db8::1", "2001:db8::ffff", 112, true), ("2001:db8::1", "2001:db8::1:0", 112, false),
        ("10.0.0.1", "::", 0, false), ("10.0.0.1", "10.0.0.1", 33, false),
    ])
    func prefixes(left: String, right: String, length: Int, expected: Bool) throws {
        let (left, right) = (try #require(IPAddress(left)), try #require(IPAddress(right)))
        #expect(left.hasPrefix(right, length: UInt8(length)) == expected)
    }
}
