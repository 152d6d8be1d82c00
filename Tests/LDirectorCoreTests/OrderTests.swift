// SPDX-License-Identifier: Apache-2.0
import IPVS
import LDirectorConfig
import LDirectorCore
import LinuxKit
import Testing

/// Maintenance files, drains and weights that operators want.
@Suite struct OrderTests {
    private func site(_ options: String..., globals: String = "", real: String = "10.1.0.1:8080 masq 4") -> String {
        "\(globals)\nvirtual=10.9.0.1:80\n\treal=\(real)\n\treal=10.1.0.2:80 masq 2\n\tchecktype=connect\n"
            + options.map { "\t\($0)\n" }.joined()
    }

    @Test func A28_maintenanceFile() throws {
        var bench = try Bench(site("checkport=81", "failurecount=5", "quiescent=yes"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        try bench.maintain(["10.1.0.1:81": ""])
        #expect(bench.servers() == ["10.1.0.1:8080 w4", "10.1.0.2:80 w2"])
        try bench.maintain(["10.1.0.1:81": "", "10.1.0.1:8080": ""])
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        #expect(
            bench.lines.last
                == "Quiescent real server: 10.1.0.1:8080 (10.9.0.1:80) (Weight set to 0): maintenance file 10.1.0.1:8080"
        )
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        try bench.maintain([:])
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:8080 w4", "10.1.0.2:80 w2"])
    }

    @Test func A29_maintenanceOfAWholeHost() throws {
        let second = "virtual=10.9.0.2:25\n\treal=10.1.0.1:25 masq\n\treal=10.1.0.3:25 masq\n\tchecktype=connect\n"
        var bench = try Bench(site() + second)
        for last in 1...3 {
            bench.up("10.1.0.\(last)")
        }
        try bench.maintain(["10.1.0.1": ""])
        #expect(bench.servers(0) == ["10.1.0.2:80 w2"])
        #expect(bench.servers(1) == ["10.1.0.3:25 w1"])
    }

    @Test(
        arguments: [
            ("10.1.0.1:80", "10.1.0.1:80 masq", "", true), ("10.1.0.1:80", "10.1.0.1 gate", "", true),
            ("10.1.0.1:0", "10.1.0.1 gate", "", true), ("10.1.0.1:80", "10.1.0.1:8080 gate", "", false),
            ("web1.example.test", "10.1.0.1:80 masq", "Web1.Example.Test", true),
            ("WEB1", "10.1.0.1:80 masq", "web1.example.test", true),
            ("web1:80", "10.1.0.1:80 masq", "web1.example.test", true),
            ("web1:81", "10.1.0.1:80 masq", "web1.example.test", false), ("w", "10.1.0.1:80 masq", "w.test", false),
            ("10", "10.1.0.1:80 masq", "10.test", false),
        ]
    ) func fileNames(_ name: String, _ real: String, _ host: String, _ matches: Bool) throws {
        var bench = try Bench(site(real: real))
        bench.up("10.1.0.1")
        try bench.maintain([name: ""], hosts: host.isEmpty ? [:] : ["10.1.0.1": host])
        #expect(bench.servers().count == (matches ? 0 : 1))
    }

    @Test func onlyHostNamesNeedTheResolver() {
        #expect(!MaintenanceFiles(["10.1.0.1": "", "10.1.0.1:80": "", "[2001:db8::1]:80": ""]).namesHosts)
        #expect(MaintenanceFiles(["10.1.0.1": "", "web1:80": ""]).namesHosts)
        #expect(MaintenanceFiles(["3com.example.test": ""]).namesHosts)
    }

    @Test func fileNamesOfIPv6() throws {
        let text = "virtual6=[2001:db8::5]:80\n\treal6=[2001:db8::10]:80 masq\n\tchecktype=connect\n"
        for (name, count) in [("[2001:DB8:0::10]:80", 0), ("[2001:db8::10]", 0), ("[2001:db8::11]", 1), ("[2001", 1)] {
            var bench = try Bench(text)
            bench.up("2001:db8::10")
            try bench.maintain([name: ""])
            #expect(bench.servers().count == count, "\(name)")
        }
    }

    @Test func fallbackWhenAllAreInMaintenance() throws {
        var bench = try Bench(site("fallback=127.0.0.1"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        try bench.maintain(["10.1.0.1": "", "10.1.0.2": ""])
        #expect(bench.servers() == ["127.0.0.1:80 w1"])
    }

    @Test func aFileThatSaysDrainKeepsTheEntry() throws {
        var bench = try Bench(site("drainlimit=600"))
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        try bench.maintain(["10.1.0.1": "drain\n"])
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        bench.pass(.seconds(599))
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        bench.pass(.seconds(1))
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        #expect(bench.director.nextDeadline == nil)
        try bench.maintain([:])
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:8080 w4", "10.1.0.2:80 w2"])
    }

    @Test func aFileThatSaysWeight() throws {
        var bench = try Bench(site())
        bench.up("10.1.0.1")
        try bench.maintain(["10.1.0.1": "weight 9"])
        #expect(bench.servers() == ["10.1.0.1:8080 w9"])
        bench.fail("10.1.0.1")
        #expect(bench.servers() == [])
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:8080 w9"])
        try bench.maintain(["10.1.0.1": "weight 0"])
        #expect(bench.servers() == ["10.1.0.1:8080 w0"])
        try bench.maintain([:])
        #expect(bench.servers() == ["10.1.0.1:8080 w4"])
    }

    @Test func aServerInMaintenanceAtStartIsNeverUsed() throws {
        let entry = ServiceEntry(
            try Bench.service("10.9.0.1", 80),
            destinations: [Destination(try Bench.address("10.1.0.1", 8080), forwarding: .masquerade, weight: 4)]
        )
        var bench = Bench(table: [entry])
        try bench.maintain(["10.1.0.1": ""])
        try bench.install(site("quiescent=yes"))
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w0"])
    }

    @Test func theOperatorDrainsAndEnables() throws {
        var bench = try Bench(site())
        bench.up("10.1.0.1")
        bench.up("10.1.0.2")
        bench.order(.drain(limit: .seconds(60)), "10.1.0.1:8080")
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        bench.fail("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        // A reload does not end it, nor does it start its time again.
        bench.pass(.seconds(30))
        try bench.install(site("scheduler=rr"))
        #expect(bench.servers() == ["10.1.0.1:8080 w0", "10.1.0.2:80 w2"])
        bench.pass(.seconds(30))
        #expect(bench.servers() == ["10.1.0.2:80 w2"])
        bench.order(nil, "10.1.0.1")
        bench.up("10.1.0.1")
        #expect(bench.servers() == ["10.1.0.1:8080 w4", "10.1.0.2:80 w2"])
    }

    @Test func anOrderForAServerThatComesLater() throws {
        var bench = try Bench(site())
        bench.up("10.1.0.1")
        bench.order(.out, "10.1.0.1")
        try bench.install("virtual=10.9.0.3:80\n\treal=10.1.0.9:80 masq\n\tchecktype=connect\n")
        try bench.install(site())
        bench.up("10.1.0.1")
        #expect(bench.servers() == [])
    }

    @Test func maintenanceOfCheckTypesOnAndOff() throws {
        var on = try Bench(site("checktype=on"))
        try on.maintain(["10.1.0.1": ""])
        #expect(on.servers() == ["10.1.0.2:80 w2"])
        try on.install(site("checktype=on", "scheduler=rr"))
        #expect(on.servers() == ["10.1.0.2:80 w2"])
        try on.maintain([:])
        #expect(on.servers() == ["10.1.0.1:8080 w4", "10.1.0.2:80 w2"])
        let entry = ServiceEntry(
            try Bench.service("10.9.0.1", 80),
            destinations: [Destination(try Bench.address("10.1.0.1", 8080), forwarding: .masquerade, weight: 4)]
        )
        var off = try Bench(site("checktype=off"), table: [entry])
        #expect(off.servers() == ["10.1.0.1:8080 w4"])
        try off.maintain(["10.1.0.1": ""])
        try off.maintain([:])
        #expect(off.servers() == [])
    }

    @Test func serversByName() throws {
        let second = "virtual=10.9.0.2:80\n\treal=10.1.0.1:80 gate\n\tservicename=mail\n\tchecktype=connect\n"
        let director = try Bench(site() + second).director
        #expect(director.servers(named: "10.1.0.1", in: nil).count == 2)
        #expect(director.servers(named: "10.1.0.1:8080", in: nil).count == 1)
        #expect(director.servers(named: "10.1.0.1", in: "mail").count == 1)
        #expect(director.servers(named: "10.1.0.1", in: "10.9.0.1:80").count == 1)
        #expect(director.servers(named: "10.1.0.1", in: "tcp 10.9.0.2:80").count == 1)
        #expect(director.servers(named: "10.1.0.7", in: nil).isEmpty)
    }
}
