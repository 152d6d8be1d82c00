// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import NeighborPackets
import Testing

private func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    return LinkLayerHex.bytes(String(digits))
}

private enum LinkLayerHex {
    static func bytes(_ digits: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = digits[...]
        while rest.count >= 2, let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}

@Suite struct SolicitationTests {
    @Test func matchesTheWire() throws {
        let target = try #require(IPAddress("2001:db8::fe:1234"))
        let hardware = try #require(LinkLayerAddress("de:ee:3b:c8:d3:8a"))
        let question = try #require(NeighborSolicitation(target: target, hardware: hardware))
        // RFC 4861, 4.3: type 135, code 0, checksum, reserved; target; option 1 of one unit.
        #expect(
            question.bytes == hex("87000000 00000000 20010db8000000000000000000fe1234 0101 deee3bc8d38a")
        )
        #expect(question.group.description == "ff02::1:fffe:1234")
        #expect(NeighborSolicitation(target: IPAddress(ipv4: 1), hardware: question.hardware) == nil)
    }

    @Test func onlyAnswersTellWhomTheyAreAbout() {
        // Flags R and S, then S alone, then O alone: an announcement answers nobody.
        let target = "20010db8000000000000000000fe1234"
        #expect(NeighborAdvertisement.solicitedTarget(of: hex("88000000 c0000000 \(target)")) != nil)
        #expect(
            NeighborAdvertisement.solicitedTarget(of: hex("88000000 40000000 \(target) 0201 deee3bc8d38a"))?.description
                == "2001:db8::fe:1234"
        )
        #expect(NeighborAdvertisement.solicitedTarget(of: hex("88000000 20000000 \(target)")) == nil)
        #expect(NeighborAdvertisement.solicitedTarget(of: hex("87000000 40000000 \(target)")) == nil)
        #expect(NeighborAdvertisement.solicitedTarget(of: hex("88000000 40000000 20010db8")) == nil)
    }
}

@Suite struct ARPTests {
    /// Captured with tcpdump: an announcement of 198.51.100.50, without the Ethernet header.
    let request = hex("0001 0800 06 04 0001 deee3bc8d38a c6336432 000000000000 c6336432")
    let reply = hex("0001 0800 06 04 0002 deee3bc8d38a c6336432 deee3bc8d38a c6336432")

    @Test func announcementMatchesTheWire() throws {
        let announcement = Announcement(
            address: try #require(IPAddress("198.51.100.50")),
            hardware: try #require(LinkLayerAddress("de:ee:3b:c8:d3:8a"))
        )
        #expect(announcement.packets.map(\.bytes) == [request, reply])
    }

    @Test func decodesWhatItEncodes() throws {
        let packet = try #require(ARPPacket(request + [UInt8](repeating: 0, count: 18)))
        #expect(packet.bytes == request)
        #expect(packet.operation == .request && packet.sender == packet.target)
        for length in 0..<request.count {
            #expect(ARPPacket(request.prefix(length)) == nil)
        }
    }

    @Test func stylesOfARound() throws {
        func packets(_ style: Announcement.Style, ones: Bool = false) throws -> [ARPPacket] {
            Announcement(
                address: try #require(IPAddress("192.0.2.1")),
                hardware: try #require(LinkLayerAddress("020000000001")),
                style: style,
                usesOnesAsTarget: ones
            ).packets
        }
        #expect(try packets(.request).map(\.operation) == [.request])
        #expect(try packets(.reply).map(\.operation) == [.reply])
        #expect(try packets(.request, ones: true)[0].targetHardware.description == "ff:ff:ff:ff:ff:ff")
    }

    @Test func infiniBandHasLongAddresses() throws {
        let hardware = try #require(LinkLayerAddress(bytes: [UInt8](1...20)))
        let announcement = Announcement(
            address: try #require(IPAddress("192.0.2.1")),
            hardware: hardware,
            hardwareType: ARPPacket.infiniband,
            style: .reply
        )
        let bytes = try #require(announcement.packets.first).bytes
        #expect(bytes.count == 56)
        #expect(bytes.prefix(8) == [0, 32, 8, 0, 20, 4, 0, 2])
        #expect(ARPPacket(bytes)?.senderHardware == hardware)
    }
}

@Suite struct AdvertisementTests {
    @Test func matchesTheWire() throws {
        let target = try #require(IPAddress("2001:db8:1::50"))
        let hardware = try #require(LinkLayerAddress("c2:30:b6:37:59:9b"))
        let advertisement = try #require(
            NeighborAdvertisement(target: target, hardware: hardware, isRouter: false)
        )
        // RFC 4861, 4.4: type 136, code 0, checksum (kernel), Override, target, option 2 of one unit.
        let wire = hex("88 00 0000 20000000 20010db8000100000000000000000050 02 01 c230b637599b")
        #expect(advertisement.bytes == wire)
        #expect(NeighborAdvertisement(wire) == advertisement)
    }

    @Test func routerFlagAndInfiniBandOption() throws {
        let hardware = try #require(LinkLayerAddress(bytes: [UInt8](1...20)))
        let target = try #require(IPAddress("2001:db8::1"))
        let bytes = try #require(NeighborAdvertisement(target: target, hardware: hardware, isRouter: true)).bytes
        #expect(bytes[4] == 0xa0)
        // Option length 3 (24 bytes): two bytes of padding, then the address (RFC 4391, 9.3).
        #expect(bytes.count == 48 && bytes[24...27] == [2, 3, 0, 0])
        #expect(NeighborAdvertisement(bytes, hardwareLength: 20)?.hardware == hardware)
    }

    @Test func truncatedMessagesAreRefused() throws {
        let target = try #require(IPAddress("2001:db8::1"))
        let hardware = try #require(LinkLayerAddress("020000000001"))
        let bytes = try #require(NeighborAdvertisement(target: target, hardware: hardware, isRouter: true)).bytes
        for length in 0..<bytes.count {
            #expect(NeighborAdvertisement(bytes.prefix(length)) == nil)
        }
    }
}

@Suite struct CommandLineTests {
    @Test func historicForm() throws {
        let command = try SendArpCommand([
            "-i", "200", "-r", "5", "-p", "/run/x.pid", "eth0", "192.0.2.1", "auto", "not_used", "not_used",
        ])
        #expect(command.rounds == 5 && command.interval == .milliseconds(200) && command.pidFile == "/run/x.pid")
        #expect(command.items[0].hardware == nil && command.style == .requestAndReply && !command.allowsForeignAddress)
        #expect(try SendArpCommand(["-r5", "eth0", "192.0.2.1", "020000000001", "x", "y"]).rounds == 5)
        #expect(try SendArpCommand(["eth0", "192.0.2.1", "AUTO", "x", "y"]).rounds == 1)
        #expect(try SendArpCommand(["-qU", "-c", "3", "-I", "eth0", "192.0.2.1"]).style == .request)
        #expect(try SendArpCommand(["eth0", "192.0.2.1", "02:00:00:00:00:01", "x", "y"]).allowsForeignAddress)
    }

    @Test(arguments: [
        [], ["eth0"], ["eth0", "192.0.2.1", "auto", "x"], ["-r", "eth0", "192.0.2.1", "auto", "x", "y"],
        ["-r", "-1", "eth0", "192.0.2.1", "auto", "x", "y"], ["-i", "0", "eth0", "192.0.2.1", "auto", "x", "y"],
        ["-p", "x.pid", "eth0", "192.0.2.1", "auto", "x", "y"], ["eth0", "2001:db8::1", "auto", "x", "y"],
        ["eth0", "192.0.2.1", "02:00", "x", "y"], ["-UA", "eth0", "192.0.2.1", "auto", "x", "y"],
        ["-z", "eth0", "192.0.2.1", "auto", "x", "y"], ["-I", "eth0", "192.0.2.1"], ["-r"],
        ["-B"], ["-B", "-", "eth0"], ["-B", "-", "-I", "eth0"], ["-U", "-I", "eth0"],
        ["-A", "-I", "eth0", "192.0.2.1", "x"],
    ])
    func refuses(arguments: [String]) {
        #expect(throws: SendArpCommand.Failure.self) { try SendArpCommand(arguments) }
    }

    @Test func arpingForm() throws {
        let command = try SendArpCommand(["-qD", "-c", "3", "-w", "2", "-I", "eth0", "192.0.2.1"])
        #expect(command.asksForOwners && command.isQuiet && command.rounds == 2)
        #expect(try SendArpCommand(["-D", "-I", "eth0", "192.0.2.1"]).rounds == 2)
        #expect(try SendArpCommand(["-U", "-w", "4", "-s", "192.0.2.1", "-I", "eth0", "192.0.2.1"]).rounds == 4)
        #expect(try SendArpCommand(["-V"]).asksForVersion)
        for line in [
            ["-D", "eth0", "192.0.2.1", "auto", "x", "y"], ["-D", "-B", "-"], ["-DU", "-I", "eth0", "192.0.2.1"],
            ["-U", "-s", "192.0.2.9", "-I", "eth0", "192.0.2.1"], ["-D", "-w", "0", "-I", "eth0", "192.0.2.1"],
            ["-D", "-p", "/run/x", "-I", "eth0", "192.0.2.1"],
        ] {
            #expect(throws: SendArpCommand.Failure.self) { try SendArpCommand(line) }
        }
    }

    @Test func manyAddresses() throws {
        let command = try SendArpCommand(["-U", "-I", "eth0", "192.0.2.1", "192.0.2.2"])
        #expect(command.items.map(\.address) == [IPAddress("192.0.2.1"), IPAddress("192.0.2.2")])
        #expect(try SendArpCommand(["-r", "2", "-B", "-"]).batchFile == "-")
    }

    @Test func listOfAddresses() throws {
        let batch = try AnnouncementBatch(
            """
            # directors
            eth0 192.0.2.1
              eth1\t2001:db8::1 auto # comment
            eth0 192.0.2.1

            eth0 192.0.2.2 02:00:00:00:00:01\r
            """
        )
        #expect(batch.items.map(\.address.description) == ["192.0.2.1", "2001:db8::1", "192.0.2.2"])
        #expect(batch.items.map(\.device) == ["eth0", "eth1", "eth0"])
        #expect(batch.items.map(\.hardware) == [nil, nil, LinkLayerAddress("020000000001")])
    }

    @Test(arguments: [
        ("", "line 1"), ("# nothing", "line 1"), ("eth0", "line 1"), ("eth0 192.0.2.1\neth0 x", "line 2"),
        ("eth0 192.0.2.1 02:00", "line 1"), ("eth0 192.0.2.1 auto more", "line 1"), ("192.0.2.1 eth0", "line 1"),
    ])
    func refusesLists(text: String, place: String) {
        let failure = #expect(throws: AnnouncementBatch.Failure.self) { try AnnouncementBatch(text) }
        #expect(failure?.description.hasPrefix(place) == true)
    }

    @Test func seededNoiseNeverTraps() {
        var generator = SeededGenerator(seed: 60)
        let words = [
            "-r", "-i", "-p", "-U", "-A", "-D", "-w", "-s", "-V", "-I", "-B", "-F", "-qo", "--", "-", "5", "-1", "auto",
            "192.0.2.1", "eth0",
            "2001:db8::1", "/64", "64", "02:00:00:00:00:01", "", "é", "99999999999999999999", "\u{0}", "/run/x",
        ]
        for _ in 0..<4000 {
            let line = (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                words[Int.random(in: 0..<words.count, using: &generator)]
            }
            _ = try? SendArpCommand(line)
            _ = try? SendUaCommand(line)
            let separators = [" ", "\n", "\t", "#", "\r\n"]
            let separator = separators[Int.random(in: 0..<separators.count, using: &generator)]
            _ = try? AnnouncementBatch(line.joined(separator: separator))
        }
    }

    @Test func packetsOfNoiseNeverTrap() {
        var generator = SeededGenerator(seed: 826)
        for _ in 0..<4000 {
            var bytes = (0..<Int.random(in: 0...72, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if bytes.count > 8 && Bool.random(using: &generator) {
                bytes.replaceSubrange(0..<8, with: [0, 1, 8, 0, bytes[4], 4, 0, 1])
            }
            _ = ARPPacket(bytes)
            if bytes.count > 4 {
                bytes.replaceSubrange(0..<2, with: [136, 0])
            }
            _ = NeighborAdvertisement(bytes, hardwareLength: Int.random(in: 0...24, using: &generator))
        }
    }

    @Test func advertiserForm() throws {
        let command = try SendUaCommand(["-i", "200", "-c", "3", "2001:db8::1/64", "64", "eth0"])
        #expect(command.count == 3 && command.device == "eth0" && command.address == IPAddress("2001:db8::1"))
        #expect(throws: SendUaCommand.Failure.self) { try SendUaCommand(["2001:db8::1", "64"]) }
        #expect(throws: SendUaCommand.Failure.self) { try SendUaCommand(["192.0.2.1", "64", "eth0"]) }
    }
}

/// A small generator (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
