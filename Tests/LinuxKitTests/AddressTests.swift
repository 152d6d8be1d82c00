// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("198.51.100.7", "198.51.100.7"), ("2001:DB8:0:0::5", "2001:db8::5"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ])
    func canonicalText(text: String, expected: String) {
        #expect(IPAddress(text)?.description == expected)
    }

    @Test(arguments: [
        "", "198.51.100.050", "198.51.100", "1.2.3.4.5", "256.1.1.1", "2001:db8::1%eth0", "[::1]", " 1.2.3.4",
    ])
    func refusesLooseText(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func comparesByValue() throws {
        let low = try #require(IPAddress("10.0.0.9"))
        let high = try #require(IPAddress("10.0.0.10"))
        #expect(low < high)
        #expect(low < (IPAddress("::") ?? low))
    }

    @Test(arguments: ["0.0.0.0", "10.1.2.3", "255.254.253.252", "::", "2001:db8:1:2:3:4:5:6", "ff02::1", "::1"])
    func bytesGiveTheAddressBack(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.bytes.count == address.family.byteCount)
        #expect(IPAddress(bytes: address.bytes) == address)
        #expect(IPAddress(bytes: address.bytes[...])?.description == text)
        #expect(IPAddress(bytes: address.bytes + [0]) == nil)
    }

    @Test func bytesAreInNetworkOrder() {
        #expect(IPAddress("10.1.2.3")?.bytes == [10, 1, 2, 3])
        #expect(IPAddress("10.1.2.3")?.ipv4Value == 0x0a01_0203)
        #expect(IPAddress("0102:0304:0506:0708:090a:0b0c:0d0e:0f10")?.bytes == Array(1...16))
        #expect(IPAddress("::")?.ipv4Value == nil)
        #expect(IPAddress("0.0.0.1") != IPAddress("::1"))
    }

    @Test(arguments: [
        ("127.9.0.1", "L"), ("126.0.0.1", ""), ("::1", "L"), ("1::1", ""), ("224.0.0.1", "M"), ("239.1.1.1", "M"),
        ("240.0.0.1", ""), ("ff02::1", "M"), ("fe80::1", "K"), ("febf::1", "K"), ("fec0::1", ""), ("169.254.1.1", "K"),
        ("169.255.1.1", ""),
    ])
    func kinds(text: String, kinds: String) throws {
        let address = try #require(IPAddress(text))
        let found =
            (address.isLoopback ? "L" : "") + (address.isMulticast ? "M" : "") + (address.isLinkLocal ? "K" : "")
        #expect(found == kinds)
    }

    @Test(arguments: ["02:77:00:0a:0b:fF", "02-77-00-0a-0b-ff", "0277000a0bff"])
    func hardwareAddressForms(text: String) {
        #expect(LinkLayerAddress(text)?.description == "02:77:00:0a:0b:ff")
    }

    @Test(arguments: ["", "0", "02:77:00:0a:0b:", "02:77-00:0a:0b:ff", "02:7", "xx:00:00:00:00:00"])
    func refusesHardwareAddress(text: String) {
        #expect(LinkLayerAddress(text) == nil)
    }

    @Test func readerStopsAtTheEnd() {
        var reader = ByteReader([1, 2, 3])
        #expect(reader.readBigEndian(UInt16.self) == 0x0102)
        #expect(reader.readBigEndian(UInt16.self) == nil)
        #expect(reader.read(1) == [3])
        #expect(reader.read(-1) == nil)
    }
}
