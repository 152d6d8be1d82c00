// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Testing

@testable import OCFAgents

private func list(_ text: String, limit: Int = AddressList.limit, files: [String: String] = [:]) -> AddressList {
    AddressList(text, limit: limit) { (path) throws(AddressList.Refusal) in
        guard let text = files[path] else {
            throw AddressList.Refusal(reason: "no such file")
        }
        return text
    }
}

private func texts(_ text: String) -> [String] { list(text).items.map { "\($0.address)" } }

@Suite struct AddressListTests {
    @Test(arguments: [
        ("192.0.2.1 192.0.2.2,192.0.2.3", ["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
        ("192.0.2.1,\n 192.0.2.1", ["192.0.2.1"]),
        ("192.0.2.9-11", ["192.0.2.9", "192.0.2.10", "192.0.2.11"]),
        ("192.0.2.254-192.0.3.1", ["192.0.2.254", "192.0.2.255", "192.0.3.0", "192.0.3.1"]),
        ("192.0.2.7-7", ["192.0.2.7"]),
        ("hosts:192.0.2.0/30", ["192.0.2.1", "192.0.2.2"]),
        ("hosts:192.0.2.6/30", ["192.0.2.5", "192.0.2.6"]),
        ("hosts:192.0.2.0/31", ["192.0.2.0", "192.0.2.1"]),
        ("hosts:192.0.2.8/32", ["192.0.2.8"]),
        ("192.0.2.0/28", ["192.0.2.0"]),
        ("2001:db8::fe-100", ["2001:db8::fe", "2001:db8::ff", "2001:db8::100"]),
        ("2001:DB8::1-2001:db8::2", ["2001:db8::1", "2001:db8::2"]),
        ("hosts:2001:db8::/126", ["2001:db8::1", "2001:db8::2", "2001:db8::3"]),
        ("hosts:2001:db8::/127", ["2001:db8::", "2001:db8::1"]),
        ("255.255.255.254-255", ["255.255.255.254", "255.255.255.255"]),
    ])
    func items(text: String, expected: [String]) {
        #expect(list(text).problem == nil)
        #expect(texts(text) == expected)
    }

    @Test func prefixAndInterface() throws {
        let items = list("192.0.2.1/28%eth1 192.0.2.2 2001:db8::1-2/64 hosts:198.51.100.0/31%va0").items
        #expect(items.map { $0.prefix } == [28, nil, 64, 64, 31, 31])
        #expect(items.map { $0.nic } == ["eth1", nil, nil, nil, "va0", "va0"])
    }

    @Test func files() {
        let text = "# ours\n192.0.2.1\n\n192.0.2.5-6 # two\n"
        let read = list("192.0.2.9 @/etc/vips", files: ["/etc/vips": text])
        #expect(read.problem == nil && read.usesFiles)
        #expect(read.items.map { "\($0.address)" } == ["192.0.2.9", "192.0.2.1", "192.0.2.5", "192.0.2.6"])
        #expect(list("@/none").problem == "ips item \"@/none\": no such file")
        #expect(list("@etc/vips").problem?.contains("start with /") == true)
        let nested = list("@/a", files: ["/a": "192.0.2.1\n@/b\n"])
        #expect(nested.problem == "ips item \"/a:2: @/b\": a file cannot name another one")
        #expect(list("@/a", files: ["/a": "x\n"]).problem?.contains("\"/a:1: x\"") == true)
    }

    @Test(arguments: [
        "", " , ", "192.0.2.256", "192.0.2.01", "0.0.0.1", "192.0.2.1/0", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/x",
        "192.0.2.1%", "192.0.2.1%a/b", "192.0.2.1%a:b", "192.0.2.9-8", "192.0.2.1-256", "192.0.2.1-", "-5",
        "192.0.2.1-x",
        "192.0.2.1-2001:db8::1", "hosts:", "hosts:192.0.2.0", "hosts:192.0.2.1-5/24", "hosts:192.0.2.0/8",
        "hosts:2001:db8::/64", "hosts:0.0.0.0/1", "2001:db8::1/129", "2001:db8::1-2001:db9::1", "::ffff:192.0.2.1",
        "2001:db8::1-fffff", "2001:db8::1-+1", "@", "@x", "192.0.2.1/24 192.0.2.1/28", "192.0.2.1 192.0.2.1%eth0",
        "10.0.0.0-10.255.255.255", "::-ffff:ffff:ffff:ffff", "١٩٢.0.2.1", "192.0.2.1-１", "hosts:hosts:192.0.2.0/28",
    ])
    func refused(text: String) {
        let read = list(text)
        let problem = read.problem ?? ""
        #expect(!problem.isEmpty && !problem.contains("\n"), "\(text)")
    }

    @Test func whatIsUnderstoodStays() {
        let read = list("192.0.2.1 nonsense 192.0.2.3")
        #expect(read.items.count == 2)
        #expect(
            read.problem == "ips item \"nonsense\": \"nonsense\" is not an address, such as 192.0.2.1 or 2001:db8::1"
        )
    }

    @Test func limit() {
        #expect(list("10.0.0.0-10.0.15.255").problem == nil)
        #expect(list("10.0.0.0-10.0.15.255").items.count == 4096)
        #expect(list("10.0.0.0-10.0.15.255 192.0.2.1").problem?.contains("more than 4096 addresses") == true)
        #expect(list("10.0.0.0-10.0.16.0").problem?.contains("more than 4096 addresses") == true)
    }

    /// Whatever is written there: no trap, never more than the limit, no address twice, an empty list has a reason.
    @Test(arguments: 0..<UInt64(4)) func fuzz(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "192.0.2.", "1", "255", "10.0.0.0", "-", "/", "24", "32", "0", "%", "eth0", "hosts:", "@", "@/f", ",", " ",
            "\n",
            "2001:db8::", ":", "::", "ffff", ".", "#", "é", "\u{301}", "99999999999999999999", "/128", "-9", "\u{0}",
        ]
        for _ in 0..<1500 {
            let text = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            let read = list(text, limit: 100, files: ["/f": String(text.reversed())])
            #expect(read.items.count <= 100)
            #expect(Set(read.items.map(\.address)).count == read.items.count)
            #expect(!read.items.isEmpty || read.problem != nil, "\(text)")
        }
    }
}
