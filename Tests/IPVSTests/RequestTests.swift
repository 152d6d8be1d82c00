// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink
import Testing

@testable import IPVS

/// Requests byte by byte (little-endian host), generic header first; PORT and the IPv4 NETMASK are in network order, the
/// IPv6 NETMASK and MCAST_PORT are not.
@Suite struct RequestTests {
    private let requests = IPVSRequests(family: GenericFamily(name: "IPVS", id: 28, version: 1))

    private static let tcpKey = """
        06000100 02000000                         # AF
        06000200 06000000                         # PROTOCOL
        14000300 c0000201000000000000000000000000 # ADDR, padded to 16
        06000400 00500000                         # PORT, network order
        """

    private func check(_ request: NetlinkRequest, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        #expect(request.type == 28, sourceLocation: sourceLocation)
        #expect(request.payload == (try bytes(expected)), sourceLocation: sourceLocation)
    }

    @Test func addService() throws {
        let service = VirtualService(
            try tcp("192.0.2.1"),
            scheduler: "wlc",
            persistence: .init(timeoutSeconds: 300, prefixLength: 24)
        )
        let full = """
            54000180                  # SERVICE, nested
            \(Self.tcpKey)
            08000600 776c6300         # SCHED_NAME
            0c000700 01000000fdffffff # FLAGS persistent; mask without HASHED
            08000800 2c010000         # TIMEOUT
            08000900 ffffff00         # NETMASK, network order
            """
        try check(requests.change(.addService(service)), "01010000 \(full)")
        try check(requests.change(.editService(service)), "02010000 \(full)")
    }

    @Test func addIPv6ServiceWithEngine() throws {
        let service = VirtualService(
            .address(.udp, try address("fd00::1"), port: 53),
            scheduler: "sh",
            flags: [.onePacket, .scheduler2],
            persistence: .init(timeoutSeconds: 60, prefixLength: 64),
            persistenceEngine: "sip"
        )
        try check(
            requests.change(.addService(service)),
            """
            01010000 5c000180
            06000100 0a000000 06000200 11000000
            14000300 fd000000000000000000000000000001
            06000400 00350000
            07000600 73680000
            08000b00 73697000         # PE_NAME
            0c000700 15000000fdffffff
            08000800 3c000000
            08000900 40000000         # prefix length, host order
            """
        )
    }

    @Test func keysOnly() throws {
        try check(requests.change(.removeService(try tcp("192.0.2.1"))), "03010000 30000180 \(Self.tcpKey)")
        let mark = VirtualServiceKey.firewallMark(7, .ipv6)
        try check(requests.getServices(mark), "04010000 14000180 06000100 0a000000 08000500 07000000")
        try check(requests.getServices(), "04010000")
        try check(requests.getDestinations(of: try tcp("192.0.2.1")), "08010000 30000180 \(Self.tcpKey)")
        try check(requests.zero(nil), "10010000")
        try check(requests.zero(mark), "10010000 14000180 06000100 0a000000 08000500 07000000")
        try check(requests.flush(), "11010000")
    }

    @Test func destinations() throws {
        let key = try tcp("192.0.2.1")
        let destination = Destination(
            .init(try address("10.1.0.9"), port: 8080),
            forwarding: .masquerade,
            weight: 5,
            upperThreshold: 100,
            lowerThreshold: 50
        )
        let destinationKey = """
            14000100 0a010009000000000000000000000000 # ADDR
            06000200 1f900000                         # PORT, network order
            06000b00 02000000                         # ADDR_FAMILY
            """
        let full = """
            30000180 \(Self.tcpKey)
            48000280
            \(destinationKey)
            08000300 00000000 # FWD_METHOD
            08000400 05000000 # WEIGHT
            08000500 64000000 # U_THRESH
            08000600 32000000 # L_THRESH
            """
        try check(requests.change(.addDestination(destination, to: key)), "05010000 \(full)")
        try check(requests.change(.editDestination(destination, of: key)), "06010000 \(full)")
        try check(
            requests.change(.removeDestination(destination.key, from: key)),
            "07010000 30000180 \(Self.tcpKey)\n28000280 \(destinationKey)"
        )
    }

    @Test func tunnels() throws {
        var destination = Destination(.init(try address("10.1.0.9"), port: 80), forwarding: .tunnel)
        func tail(_ encapsulation: Destination.Encapsulation, _ count: Int) throws -> [UInt8] {
            destination.encapsulation = encapsulation
            return requests.change(.addDestination(destination, to: try tcp("192.0.2.1"))).payload.suffix(count)
        }
        #expect(try tail(.ipip, 8) == bytes("05000d00 00000000"))
        #expect(
            try tail(.gue(port: 6080, flags: 1), 24) == bytes("05000d00 01000000 06000e00 17c00000 06000f00 01000000")
        )
        #expect(try tail(.gre(flags: 0), 16) == bytes("05000d00 02000000 06000f00 00000000"))
    }

    @Test func daemons() throws {
        let daemon = SyncDaemon(
            .master,
            interface: "eth1",
            syncID: 7,
            maximumLength: 1400,
            group: SyncDaemon.defaultGroup,
            port: 9000,
            timeToLive: 2
        )
        try check(
            requests.start(daemon),
            """
            09010000 40000380
            08000100 01000000     # STATE
            09000200 6574683100000000
            08000300 07000000     # SYNC_ID
            06000400 78050000     # SYNC_MAXLEN
            08000500 e0000051     # MCAST_GROUP
            06000700 28230000     # MCAST_PORT, host order
            05000800 02000000     # MCAST_TTL
            """
        )
        // What is not asked for is left to the kernel.
        try check(
            requests.start(SyncDaemon(.backup, interface: "lo", syncID: 0, group: try address("ff02::5"))),
            """
            09010000 30000380 08000100 02000000 07000200 6c6f0000 08000300 00000000
            14000600 ff020000000000000000000000000005
            """
        )
        try check(requests.stop(.backup), "0a010000 0c000380 08000100 02000000")
        try check(requests.getDaemons(), "0b010000")
    }

    @Test func timeouts() throws {
        try check(
            requests.setTimeouts(ConnectionTimeouts(tcpSeconds: 900, udpSeconds: 300)),
            "0c010000 08000400 84030000 08000600 2c010000"
        )
        try check(requests.getTimeouts(), "0d010000")
        try check(requests.getInformation(), "0f010000")
    }

    @Test(arguments: [0, 1, 8, 31, 32]) func masksRoundTrip(_ prefix: Int) throws {
        let service = VirtualService(
            try tcp("192.0.2.1"),
            persistence: .init(timeoutSeconds: 1, prefixLength: prefix)
        )
        var request = requests.change(.addService(service))
        #expect(request.payload.count > 4)
        request.payload[0] = 1
        let answer = IPVSAnswers.service(NetlinkMessage(type: 28, payload: request.payload))
        #expect(answer?.service.isEquivalent(to: service) == true)
    }

    @Test(arguments: [0, 0xff, 0xff00_ff00, 0xffff_ff00, 0xffff_fffe, UInt32.max]) func anyMaskRoundTrips(
        _ mask: UInt32
    ) throws {
        let service = VirtualService(try tcp("192.0.2.1"), persistence: .init(timeoutSeconds: 1, mask: mask))
        let request = requests.change(.addService(service))
        let answer = IPVSAnswers.service(NetlinkMessage(type: 28, payload: request.payload))
        #expect(answer?.service == service)
        #expect((service.persistence?.gappedMask == nil) == [0, 0xffff_ff00, 0xffff_fffe, .max].contains(mask))
        let other = VirtualService(try tcp("192.0.2.1"), persistence: .init(timeoutSeconds: 1, prefixLength: 8))
        #expect(!service.isEquivalent(to: other))
    }

    @Test(arguments: 0..<200) func everythingRoundTrips(_ round: Int) throws {
        var random = SeededGenerator(seed: UInt64(round))
        let entry = RandomTable.entry(using: &random)
        let service = requests.change(.addService(entry.service))
        #expect(IPVSAnswers.service(NetlinkMessage(type: 28, payload: service.payload))?.service == entry.service)
        for destination in entry.destinations {
            let request = requests.change(.addDestination(destination, to: entry.service.key))
            let answer = NetlinkMessage(type: 28, payload: request.payload)
            #expect(IPVSAnswers.destination(answer, entry.service.key.family)?.destination == destination)
        }
    }
}
