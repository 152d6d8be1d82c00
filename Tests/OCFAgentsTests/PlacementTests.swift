// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink
import Testing

@testable import OCFAgents

private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

private func route(
    _ destination: String,
    _ prefix: UInt8,
    on index: Int32,
    source: String? = nil,
    metric: UInt32? = nil,
    origin: UInt8 = 2,
    scope: UInt8 = 253,
    kind: Route.Kind = .unicast,
    table: UInt32 = Route.mainTable,
    gateway: String? = nil
) throws -> Route {
    Route(
        destination: try address(destination),
        prefixLength: prefix,
        kind: kind,
        table: table,
        origin: origin,
        scope: scope,
        interfaceIndex: index,
        gateway: try gateway.map(address),
        preferredSource: try source.map(address),
        metric: metric
    )
}

private func place(_ parameters: [String: String], _ routes: [Route]) throws -> Placement {
    var variables: [String: String] = [:]
    for (name, value) in parameters {
        variables["OCF_RESKEY_\(name)"] = value
    }
    let settings = AddressSettings(AgentEnvironment(variables: variables, type: "IPaddr2"))
    let view = NetworkView(
        links: [
            NetworkLink(index: 1, name: "lo", flags: 0x9, hardwareType: 772),
            NetworkLink(index: 2, name: "va0", alternativeNames: ["public0"]),
            NetworkLink(index: 3, name: "va1"),
        ],
        addresses: [
            InterfaceAddress(
                interfaceIndex: 2,
                address: try address("198.51.100.1"),
                prefixLength: 24,
                broadcast: try address("198.51.100.255")
            )
        ],
        routes: routes
    )
    return try Placement.derive(settings, view)
}

@Suite struct PlacementTests {
    let connected: [Route]

    init() throws {
        connected = [try route("198.51.100.0", 24, on: 2, source: "198.51.100.1")]
    }

    @Test func broadcastComesFromThePreferredSource() throws {
        let placement = try place(["ip": "198.51.100.50"], connected)
        #expect(placement.link.name == "va0" && placement.prefix == 24)
        #expect(placement.broadcast == IPAddress("198.51.100.255"))
        // Kept for a longer prefix, as in the reference.
        let host = try place(["ip": "198.51.100.50", "cidr_netmask": "32"], connected)
        #expect(host.prefix == 32 && host.broadcast == IPAddress("198.51.100.255"))
    }

    @Test func case14Broadcasts() throws {
        func broadcast(_ sign: String) throws -> String? {
            try place(["ip": "203.0.113.9", "nic": "va1", "cidr_netmask": "24", "broadcast": sign], [])
                .broadcast?.description
        }
        #expect(try broadcast("+") == "203.0.113.255")
        #expect(try broadcast("-") == "203.0.113.0")
        #expect(try broadcast("203.0.113.77") == "203.0.113.77")
        #expect(try broadcast("") == nil)
    }

    @Test func case59LongestPrefixBeatsMetric() throws {
        let routes = connected + [try route("198.51.0.0", 16, on: 3, metric: 100)]
        #expect(try place(["ip": "198.51.100.50"], routes).link.name == "va0")
        let tie = [
            try route("198.51.100.0", 24, on: 3, metric: 50), try route("198.51.100.0", 24, on: 2, metric: 100),
        ]
        #expect(try place(["ip": "198.51.100.50"], tie).link.name == "va1")
        let equal = [try route("198.51.100.0", 24, on: 3), try route("198.51.100.0", 24, on: 2)]
        #expect(
            try place(["ip": "198.51.100.50"], equal).link.name == "va0",
            "the device with an address in the subnet"
        )
    }

    @Test func routesThatDoNotCount() throws {
        let useless = [
            try route("0.0.0.0", 0, on: 2, scope: 0, gateway: "198.51.100.254"),
            try route("203.0.113.0", 24, on: 2, scope: 0, gateway: "198.51.100.254"),
            try route("203.0.113.0", 24, on: 2, kind: .blackhole),
            try route("203.0.113.0", 24, on: 2, table: 100),
            try route("203.0.113.0", 24, on: 99),
        ]
        #expect(throws: OCFError.self) { try place(["ip": "203.0.113.9"], useless) }
        #expect(throws: OCFError.self) { try place(["ip": "203.0.113.9", "nic": "va1"], useless) }
        #expect(throws: OCFError.self) { try place(["ip": "198.51.100.50", "cidr_netmask": "16"], connected) }
    }

    @Test func explicitInterfaceAndPrefixNeedNoRoute() throws {
        let placement = try place(["ip": "203.0.113.9", "nic": "public0", "cidr_netmask": "24"], [])
        #expect(placement.link.name == "va0" && placement.broadcast == nil)
    }

    @Test func loopbackAddressesUseTheLocalTable() throws {
        let local = [try route("127.0.0.0", 8, on: 1, scope: 254, kind: .local, table: Route.localTable)]
        let placement = try place(["ip": "127.0.0.50"], local)
        #expect(placement.link.name == "lo" && placement.prefix == 8)
    }

    @Test func protocolFilters() throws {
        let routes = connected + [try route("198.51.100.0", 25, on: 3, origin: 4)]
        #expect(try place(["ip": "198.51.100.50"], routes).link.name == "va1")
        #expect(try place(["ip": "198.51.100.50", "proto": "kernel"], routes).link.name == "va0")
    }

    @Test func quirk26CodesOfFailures() {
        #expect(throws: OCFError(.configured, "interface nic=\"nonic\" does not exist here")) {
            try place(["ip": "198.51.100.50", "nic": "nonic"], [])
        }
        do {
            _ = try place(["ip": "203.0.113.9"], connected)
            Issue.record("placed without a route")
        } catch let error as OCFError {
            #expect(error.code == .generic)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func case27And28LabelLength() throws {
        func label(_ text: String) throws -> String? {
            let settings = AddressSettings(
                AgentEnvironment(variables: ["OCF_RESKEY_ip": "198.51.100.50", "OCF_RESKEY_iflabel": text], type: "x")
            )
            return try place(["ip": "198.51.100.50"], connected).label(settings)
        }
        #expect(try label("abcdefghijk") == "va0:abcdefghijk")
        #expect(throws: OCFError.self) { try label("abcdefghijkl") }
    }
}

@Suite struct DependantTests {
    @Test func quirk15FindsSecondariesOfTheSubnet() throws {
        func held(_ text: String, _ prefix: UInt8, _ flags: InterfaceAddress.Flags, on index: Int32 = 2) throws
            -> InterfaceAddress
        {
            InterfaceAddress(
                interfaceIndex: index,
                address: try address(text),
                prefixLength: prefix,
                flags: flags
            )
        }
        let primary = try held("198.51.100.20", 24, .permanent)
        let view = NetworkView(
            links: [],
            addresses: [
                primary, try held("198.51.100.21", 24, [.permanent, .secondary]),
                try held("198.51.100.22", 25, .permanent), try held("203.0.113.1", 24, [.permanent, .secondary]),
                try held("198.51.100.23", 24, [.permanent, .secondary], on: 3),
            ]
        )
        #expect(view.dependants(of: primary).map(\.address) == [try address("198.51.100.21")])
        #expect(view.dependants(of: view.addresses[1]).isEmpty)
    }
}
