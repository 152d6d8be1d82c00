// SPDX-License-Identifier: Apache-2.0
import LinuxKit
import Netlink
import Testing

@testable import OCFAgents

@Suite struct AddressHolderTests {
    private struct Found: Equatable {
        let links: [String]
        let state: AddressState
    }

    private let links = [
        NetworkLink(index: 1, name: "lo", flags: 0x9, hardwareType: 772),
        NetworkLink(index: 2, name: "away"),
        NetworkLink(index: 3, name: "va1", alternativeNames: ["inside0"]),
    ]

    /// The interfaces that hold the address, and how it stands, when the kernel has it on these.
    private func held(
        _ address: String,
        nic: String,
        on indexes: [Int32]
    ) throws -> Found {
        let settings = AddressSettings(
            AgentEnvironment(variables: ["OCF_RESKEY_ip": address, "OCF_RESKEY_nic": nic], type: "IPaddr2")
        )
        let wanted = try #require(IPAddress(address))
        let view = NetworkView(
            links: links,
            addresses: indexes.map { InterfaceAddress(interfaceIndex: $0, address: wanted, prefixLength: 24) }
        )
        let holders = view.holders(settings)
        return Found(links: holders.map(\.link.name), state: AddressState.judge(holders, settings))
    }

    @Test func anAddressIsFoundOnItsInterfaceOnly() throws {
        #expect(try held("198.51.100.50", nic: "va1", on: [1, 2, 3]) == Found(links: ["va1"], state: .usable))
        #expect(try held("198.51.100.50", nic: "inside0", on: [2, 3]) == Found(links: ["va1"], state: .usable))
        #expect(try held("198.51.100.50", nic: "va1", on: [1, 2]) == Found(links: [], state: .absent))
    }

    @Test func anInterfaceThatWasRenamedDoesNotHideTheAddress() throws {
        let misplaced = AddressState.misplaced(link: "away", nic: "va0")
        #expect(try held("198.51.100.50", nic: "va0", on: [1, 2]) == Found(links: ["away"], state: misplaced))
        #expect(try held("198.51.100.50", nic: "va0", on: [1]) == Found(links: [], state: .absent))
    }

    @Test func aLinkLocalAddressElsewhereIsAnotherOne() throws {
        #expect(try held("fe80::50", nic: "va0", on: [2]) == Found(links: [], state: .absent))
        #expect(try held("2001:db8::50", nic: "va0", on: [2]).links == ["away"])
    }
}
