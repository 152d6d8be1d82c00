// SPDX-License-Identifier: Apache-2.0
import Glibc
import IPVS
import LinuxKit
import Testing

@testable import SyncRelayCore

@Suite struct TableTests {
    private func entry(_ line: String) -> TableEntry? { TableEntry(Array(line.utf8)[...]) }

    @Test func readsLines() throws {
        let found = try #require(
            entry("TCP C0A80001 1F90 0A090001 0050 0A090003 1F40 ESTABLISHED LOCAL      899")
        )
        #expect(
            "\(found.key.client) \(found.key.virtual) \(found.destination)"
                == "192.168.0.1:8080 10.9.0.1:80 10.9.0.3:8000"
        )
        #expect(found.isLocal)
        #expect(found.state == "ESTABLISHED")
        #expect(found.expires == 899)
        let six = try #require(
            entry(
                "UDP 2001:0db8:0000:0000:0000:0000:0000:0001 0035 2001:0db8:0000:0000:0000:0000:0000:0002 0035 "
                    + "2001:0db8:0000:0000:0000:0000:0000:0003 0035 UDP         SYNC   4294967295"
            )
        )
        #expect("\(six.key.client)" == "[2001:db8::1]:53")
        #expect(!six.isLocal)
        #expect(six.expires == 86_400)
        #expect(entry("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires") == nil)
        #expect(entry("") == nil)
        #expect(entry("TCP C0A80001 1F90 0A090001 0050 0A090003 1F40 ESTABLISHED LOCAL") == nil)
    }

    private func service(_ key: VirtualServiceKey, _ servers: [Destination], engine: String? = nil) -> ObservedService {
        ObservedService(
            VirtualService(key, scheduler: "rr", persistenceEngine: engine),
            destinations: servers.map { ObservedDestination($0) }
        )
    }

    private func server(_ last: UInt8, port: UInt16, _ method: Destination.ForwardingMethod) -> Destination {
        Destination(
            Destination.Key(IPAddress(ipv4: 0x0a09_0000 | UInt32(last)), port: port),
            forwarding: method
        )
    }

    @Test func findsMethodAndMark() throws {
        let virtual = IPAddress(ipv4: 0x0a09_0001)
        let lookup = ServiceLookup([
            service(.address(.tcp, virtual, port: 80), [server(3, port: 8000, .masquerade)]),
            service(.address(.tcp, virtual, port: 0), [server(4, port: 0, .directRouting)]),
            service(.firewallMark(7, .ipv4), [server(5, port: 0, .tunnel)]),
            service(.address(.udp, virtual, port: 5060), [server(6, port: 5060, .masquerade)], engine: "sip"),
        ])
        let match = { (line: String) in self.entry(line).flatMap { lookup.match($0) } }
        #expect(match("TCP C0A80001 1F90 0A090001 0050 0A090003 1F40 ESTABLISHED LOCAL 9")?.method == .masquerade)
        // The server is gone; the service's others tell.
        #expect(match("TCP C0A80001 1F90 0A090001 0050 0A090009 1F40 ESTABLISHED LOCAL 9")?.method == .masquerade)
        #expect(match("TCP C0A80001 1F90 0A090001 0016 0A090004 0016 ESTABLISHED LOCAL 9")?.method == .directRouting)
        let marked = match("TCP C0A80001 1F90 0A090063 0050 0A090005 0050 ESTABLISHED LOCAL 9")
        #expect(marked == ServiceLookup.Match(method: .tunnel, mark: 7))
        #expect(match("IP  C0A80000 0000 00000007 0000 0A090005 0000 NONE        LOCAL 9")?.mark == 7)
        #expect(match("TCP C0A80001 1F90 0A090063 0050 0A090063 0050 ESTABLISHED LOCAL 9") == nil)
        #expect(match("UDP C0A80001 1F90 0A090001 13C4 0A090006 13C4 UDP LOCAL 9") == nil)
    }

    @Test func recordsOfEntries() throws {
        let make = { (line: String, method: Destination.ForwardingMethod) in
            self.entry(line).flatMap { SnapshotRecord.make($0, ServiceLookup.Match(method: method, mark: 0)) }
        }
        let open = try #require(
            make("TCP C0A80001 1F90 0A090001 0050 0A090003 1F40 ESTABLISHED LOCAL 0", .directRouting)
        )
        #expect(open.flags.rawValue == 0x83)
        #expect(open.state == 1)
        #expect(open.timeout == 1)
        let closing = try #require(make("TCP C0A80001 1F90 0A090001 0050 0A090003 1F40 FIN_WAIT LOCAL 60", .masquerade))
        #expect(closing.flags.rawValue == 0x100)
        #expect(closing.state == 4)
        #expect(make("TCP C0A80001 1F90 0A090001 0050 0A090003 1F40 SYN_RECV LOCAL 60", .masquerade) == nil)
        let udp = try #require(make("UDP C0A80001 1F90 0A090001 0050 0A090003 1F40 UDP LOCAL 60", .directRouting))
        #expect(udp.flags.rawValue == 0x183)
        let template = try #require(
            make("TCP C0A80000 0000 0A090001 0050 0A090003 1F40 NONE LOCAL 300", .directRouting)
        )
        #expect(template.flags.rawValue == 0x1083)
        #expect(template.state == 0)
        #expect(try SyncDatagram(Sample.datagram([open, closing, udp, template])).records.count == 4)
    }

    @Test func readsLongFilesLineByLine() throws {
        let path = "/tmp/vervet-lines-\(getpid())"
        defer { unlink(path) }
        let lines = (0..<20_000).map { "line \($0) " + String(repeating: "x", count: $0 % 80) }
        try TextFile.write(path, lines.joined(separator: "\n") + "\nunfinished")
        let reader = try LineReader(path)
        var count = 0
        while let line = try reader.next() {
            #expect(line.elementsEqual(lines[count].utf8))
            count += 1
        }
        #expect(count == lines.count)
    }

    @Test(arguments: [21, 22] as [UInt64]) func fuzz(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let words = [
            "TCP", "IP", "C0A80001", "0050", "[2001:db8", "ESTABLISHED", "LOCAL", "99999999999999999999", "", "ZZZZ",
        ]
        for _ in 0..<20_000 {
            let line = (0..<Int.random(in: 0...12, using: &random))
                .map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
            _ = entry(line)
        }
    }
}
