// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import IPVS
import LDirectorConfig
import LinuxKit
import Testing

@testable import LDirectorCore

/// Requests about single servers, how they outlive a restart, and the lines of monitor files.
@Suite struct OperatorTests {
    @Test(
        arguments: [
            ("drain 10.1.0.1:80", OperatorRequest.Verb.drain(limit: nil), "10.1.0.1:80", String?.none),
            ("drain 10.1.0.1 limit=600", .drain(limit: .seconds(600)), "10.1.0.1", nil),
            (
                "drain [2001:db8::1]:80 limit=0 service=[2001:db8::5]:80", .drain(limit: .zero), "[2001:db8::1]:80",
                "[2001:db8::5]:80"
            ),
            ("disable 10.1.0.1 service=tcp 10.9.0.1:80", .disable, "10.1.0.1", "tcp 10.9.0.1:80"),
            ("enable 10.1.0.1", .enable, "10.1.0.1", nil), ("recheck 10.1.0.1", .recheck, "10.1.0.1", nil),
            ("weight 10.1.0.1 9", .weight(9), "10.1.0.1", nil),
            ("weight 10.1.0.1 0 service=web", .weight(0), "10.1.0.1", "web"),
        ]
    ) func requests(_ text: String, _ verb: OperatorRequest.Verb, _ server: String, _ service: String?) throws {
        let request = try #require(try OperatorRequest(text))
        #expect(request.verb == verb)
        #expect(request.server == server)
        #expect(request.service == service)
    }

    @Test(
        arguments: [
            "drain", "drain limit=5", "drain a b", "drain a limit=", "drain a limit=-1", "drain a limit=9999999999",
            "weight a", "weight a 65536", "weight a 1 2", "weight a x", "enable a 3", "disable a limit=4",
        ]
    ) func faultyRequests(_ text: String) {
        #expect(throws: OperatorRequest.SyntaxError.self) { try OperatorRequest(text) }
    }

    @Test(arguments: ["", "status", "drains a", "table"]) func otherRequests(_ text: String) throws {
        #expect(try OperatorRequest(text) == nil)
    }

    @Test func ordersOutliveARestart() throws {
        let path = "/tmp/vervet-orders.\(getpid())"
        defer { unlink(path) }
        let file = OrderFile(path: path)
        #expect(file.read().isEmpty)
        let server = Destination.Key(try #require(IPAddress("10.1.0.1")), port: 80)
        let six = Destination.Key(try #require(IPAddress("2001:db8::1")), port: 0)
        let virtual = VirtualServiceKey.address(.tcp, try #require(IPAddress("10.9.0.1")), port: 80)
        let given = SuspendingClock.now - .seconds(20)
        let wishes: [(ServerID, StandingOrder.Wish)] = [
            (ServerID(virtual, server), .drain(limit: .seconds(600))),
            (ServerID(.firewallMark(5, .ipv6), six), .drain(limit: nil)),
            (ServerID(.firewallMark(5, .ipv4), server), .out),
            (ServerID(.address(.sctp, try #require(IPAddress("2001:db8::5")), port: 9), six), .weight(7)),
        ]
        var orders: [ServerID: StandingOrder] = [:]
        for (id, wish) in wishes {
            orders[id] = StandingOrder(wish, reason: StandingOrder.operatorReason(wish), since: given)
        }
        try file.write(orders)
        let read = file.read()
        #expect(Set(read.keys) == Set(orders.keys))
        for (id, order) in read {
            #expect(order.wish == orders[id]?.wish)
            #expect(order.reason == orders[id]?.reason)
            #expect((order.since - given).components.seconds == 0)
        }
        try TextFile.write(path, "nonsense\n6 10.9.0.1 80 10.1.0.1 80 drain x 0\n6 10.9.0.1 80 10.1.0.1 80 fly 0 0\n")
        #expect(file.read().isEmpty)
        try file.write([:])
        #expect(access(path, F_OK) != 0)
    }

    @Test(
        arguments: [
            (
                "service=http\n\trequest=\"a:b\"\n\treceive=\"x\\.y\"\n\tvirtualhost=www",
                "negotiate http tcp 10.1.0.1 8080 www 3 masq /a b x.y"
            ),
            ("checktype=connect\n\tcheckport=81", "connect tcp 10.1.0.1 8080 81 3 masq / "),
            ("checktype=4\n\tservice=smtp", "combined smtp tcp 10.1.0.1 8080 3 masq / "),
            ("checktype=external\n\tcheckcommand=/x/c", "external /x/c tcp 10.1.0.1 8080 3 masq / "),
        ]
    ) func identityInMonitorFiles(_ options: String, _ expected: String) throws {
        let text = "virtual=10.9.0.1:80\n\treal=10.1.0.1:8080 masq 3\n\tmonitorfile=/m\n\t\(options)\n"
        var bench = try Bench(text)
        bench.fail("10.1.0.1")
        let plan = try #require(bench.director.subscribers.keys.first)
        #expect(bench.director.monitorLines(plan) == ["/m": ["\(expected) [down] connection to port 80 refused"]])
        bench.check("10.1.0.1", .down("100 % |\r\n"))
        #expect(bench.director.monitorLines(plan) == ["/m": ["\(expected) [down] 100 %25 %7C%0D%0A"]])
        bench.up("10.1.0.1")
        #expect(bench.director.monitorLines(plan) == ["/m": ["\(expected) [up] -"]])
        try bench.maintain(["10.1.0.1": ""])
        #expect(
            bench.director.monitorLines(plan)
                == ["/m": ["\(expected) [down] Server in maintenance: maintenance file 10.1.0.1"]]
        )
    }
}
