// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LinuxKit
import Testing

/// The numbered acceptance cases of the configuration, as far as they end in a model or in an error.
@Suite struct AcceptanceTests {
    @Test func a01_minimal() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
                real=10.1.0.1:80 gate
                real=10.1.0.2:80 masq 7
                checktype=connect
            """
        )
        #expect(server.identity == .address(.tcp, SocketAddress(try address("10.9.0.1"), port: 80)))
        #expect(server.scheduler == "wrr")
        #expect(server.check.type == .connect)
        #expect(table(server) == ["10.1.0.1:80 gate 1", "10.1.0.2:80 masq 7"])
    }

    @Test func a02_portRule() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
                real=10.1.0.1:8080 gate 2
                real=10.1.0.2:8080 masq 3
                checktype=connect
                quiescent=no
            """
        )
        #expect(table(server) == ["10.1.0.1:80 gate 2", "10.1.0.2:8080 masq 3"])
        #expect(server.realServers.map(\.checkPort) == [8080, 8080])
        #expect(server.realServers.map(\.configuredPort) == [8080, 8080])
    }

    @Test func a03_omittedPort() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
                real=10.1.0.1 ipip
                real=10.1.0.2 masq
                checkport=80
            """
        )
        #expect(table(server) == ["10.1.0.1:80 ipip 1", "10.1.0.2:0 masq 1"])
        #expect(server.realServers.map(\.checkPort) == [80, 80])
    }

    @Test func a04_range() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
                real=10.1.0.254->10.1.1.1:80 masq 3
                checktype=on
            """
        )
        #expect(
            table(server) == [
                "10.1.0.254:80 masq 3", "10.1.0.255:80 masq 3", "10.1.1.0:80 masq 3", "10.1.1.1:80 masq 3",
            ]
        )
        #expect(server.check.type == .on)
    }

    @Test func a05_reversedRange() {
        let text = "virtual=10.9.0.1:80\n\treal=10.1.0.9->10.1.0.2:80 gate\n"
        #expect(
            report(text) == """
                ld.cf:2:7: error: the range ends at 10.1.0.2, below its start 10.1.0.9
                \treal=10.1.0.9->10.1.0.2:80 gate
                \t     ^~~~~~~~~~~~~~~~~~~~~~~~~~

                """
        )
    }

    private static let mark = """
        virtual=5
            real=10.1.0.1 gate 4
            service=http
            checkport=8080
            scheduler=wlc
            persistent=300
            netmask=255.255.255.0

        """

    @Test func a06_firewallMark() throws {
        let server = try onlyServer(Self.mark)
        #expect(server.identity == .firewallMark(5, .ipv4))
        #expect(server.identity.protocolWord == "fwm")
        #expect(server.scheduler == "wlc")
        let granularity = Persistence.Granularity.netmask(try address("255.255.255.0"))
        #expect(server.persistence == Persistence(timeout: .seconds(300), granularity: granularity))
        #expect(table(server) == ["10.1.0.1:0 gate 4"])
        #expect(server.check.service == .http)
        #expect(server.realServers.first?.checkPort == 8080)
    }

    @Test func a07_markOfEachFamily() throws {
        let both = try configuration(Self.mark + "virtual6=5\n    real6=[2001:db8::1] gate\n")
        #expect(both.virtualServers.map(\.identity) == [.firewallMark(5, .ipv4), .firewallMark(5, .ipv6)])
        #expect(table(both.virtualServers[1]) == ["[2001:db8::1]:0 gate 1"])
    }

    @Test func a08_ipv6() throws {
        let server = try onlyServer(
            """
            virtual6=[2001:DB8:0:0::5]:443
                real6=[2001:db8::10]:443 masq
                checktype=connect
            """
        )
        #expect(server.identity.description == "tcp [2001:db8::5]:443")
        #expect(server.check.service == .https)
        #expect(table(server) == ["[2001:db8::10]:443 masq 1"])
    }

    @Test func a09_familyMixUp() {
        #expect(
            summaries("virtual6=[2001:db8::5]:80\n    real=10.1.0.1:80 gate\n") == [
                "ld.cf:2:5: error: in a 'virtual6' block write 'real6', not 'real'"
            ]
        )
        #expect(
            report("virtual=[2001:db8::5]:80\n    checktype=on\n") == """
                ld.cf:1:9: error: 'virtual' takes IPv4, not '[2001:db8::5]:80'
                virtual=[2001:db8::5]:80
                        ^~~~~~~~~~~~~~~~
                ld.cf:1:9: note: write 'virtual6=[2001:db8::5]:80'

                """
        )
    }

    @Test func a10_dnsDefaults() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:domain
                real=10.1.0.1:53 masq
                request="www.example.test"
                receive="^10\\.7\\."
            """
        )
        #expect(server.identity.description == "udp 10.9.0.1:53")
        #expect(server.check.service == .dns)
        #expect(server.check.content.bareRequest == "www.example.test")
        #expect(server.check.content.receive == "^10\\.7\\.")
    }

    @Test func a12_onePacketScheduling() throws {
        let block = "virtual=10.9.0.1:99\n    real=10.1.0.1:99 masq\n    ops=yes\n    protocol="
        #expect(try onlyServer(block + "udp\n").schedulesEveryPacket)
        #expect(try onlyServer(block + "tcp\n").schedulesEveryPacket == false)
        #expect(summaries(block + "tcp\n") == ["ld.cf:3:5: warning: 'ops' has no effect unless the protocol is udp"])
    }

    @Test func a13_ownPairOfARealServer() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
                request="/ok"
                receive="UP"
                real=10.1.0.1:80 masq 2 "/r1","R1UP"
                real=10.1.0.2:80 masq
            """
        )
        let contents = server.realServers.map(server.content(for:))
        #expect(
            contents == [
                CheckContent(request: "/r1", receive: "R1UP"), CheckContent(request: "/ok", receive: "UP"),
            ]
        )
    }

    @Test func a14_absoluteURLOfARealServer() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
                real=10.1.0.1:80 masq 1 "http://10.1.0.9:8081/h", "fine"
                virtualhost=www.test
            """
        )
        #expect(server.realServers.first?.content?.bareRequest == "http://10.1.0.9:8081/h")
        #expect(server.check.virtualHost == "www.test")
    }

    @Test func a20_globalFallbackWithoutPort() throws {
        let both = try configuration(
            """
            fallback=10.1.0.50 masq
            virtual=10.9.0.1:80
                real=10.1.0.1:80 masq
            virtual=10.9.0.1:443
                real=10.1.0.1:443 masq
            """
        )
        let fifty = try address("10.1.0.50")
        #expect(
            both.virtualServers.map(\.fallback) == [
                Fallback(address: fifty, port: 80, configuredPort: 80, forwarding: .masq),
                Fallback(address: fifty, port: 443, configuredPort: 443, forwarding: .masq),
            ]
        )
    }

    @Test func a19_fallbackFollowsThePortRule() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    fallback=127.0.0.1:8080 gate\n")
        let local = try address("127.0.0.1")
        #expect(server.fallback == Fallback(address: local, port: 80, configuredPort: 8080, forwarding: .gate))
    }

    @Test func a21_blockFallbackBeatsTheGlobalOne() throws {
        let all = try configuration(
            """
            virtual=10.9.0.1:80
                fallback=10.1.0.60:81 masq
            virtual=10.9.0.2:80
                checktype=on
            virtual6=[2001:db8::5]:80
                checktype=on
            fallback=10.1.0.50
            fallback6=[2001:db8::50]
            """
        )
        let addresses = all.virtualServers.map { $0.fallback?.address.description }
        #expect(addresses == ["10.1.0.60", "10.1.0.50", "2001:db8::50"])
    }

    @Test func a30_duplicate() throws {
        let first = "virtual=10.9.0.1:80\n    checktype=on\n\n"
        #expect(
            report(first + "virtual = 10.9.0.1:http\n    checktype=on\n") == """
                ld.cf:4:11: error: duplicate virtual server tcp 10.9.0.1:80
                virtual = 10.9.0.1:http
                          ^~~~~~~~~~~~~
                ld.cf:1:9: note: the first one is here
                virtual=10.9.0.1:80
                        ^~~~~~~~~~~

                """
        )
        #expect(try configuration(first + "virtual=10.9.0.1:80\n    protocol=udp\n").virtualServers.count == 2)
    }

    struct BadLine: CustomTestStringConvertible {
        let name: String
        let text: String
        let line: Int
        var testDescription: String { name }
    }

    @Test(arguments: [
        BadLine(name: "three spaces", text: "virtual=10.9.0.1:80\n   checktype=on\n", line: 2),
        BadLine(name: "quiescent=maybe", text: "virtual=10.9.0.1:80\n    quiescent=maybe\n", line: 2),
        BadLine(name: "checktype=foo", text: "virtual=10.9.0.1:80\n    checktype=foo\n", line: 2),
        BadLine(name: "no forward", text: "virtual=10.9.0.1:80\n    checktype=on\n    real=10.1.0.1:80\n", line: 3),
        BadLine(name: "netmask=24", text: "virtual=10.9.0.1:80\n    netmask=24\n    persistent=9\n", line: 2),
        BadLine(name: "udp mark", text: "virtual=5\n    protocol=udp\n", line: 2),
        BadLine(name: "none,running", text: "emailalertstatus=none,running\n", line: 1),
        BadLine(name: "checkport=70000", text: "virtual=10.9.0.1:80\n    checkport=70000\n", line: 2),
        BadLine(name: "after empty line", text: "virtual=10.9.0.1:80\n    ops=no\n\n    checktype=on\n", line: 4),
    ])
    func a31_badLines(_ bad: BadLine) {
        #expect(errorLines(bad.text) == [bad.line])
        #expect(parse(bad.text).configuration == nil)
    }

    @Test func a32_commentsDoNotEndABlock() throws {
        let server = try onlyServer(
            """
            virtual=10.9.0.1:80
            # not the end
              # nor this
                real=10.1.0.1:80 gate # cut
            """
        )
        #expect(table(server) == ["10.1.0.1:80 gate 1"])
    }

    @Test func a33_timeouts() throws {
        let both = try configuration(
            """
            virtual=10.9.0.1:80
                negotiatetimeout=3
            virtual=10.9.0.2:80
                checktype=on
            checktimeout=7
            negotiatetimeout=11
            """
        )
        #expect(both.virtualServers.map(\.check.connectTimeout) == [.seconds(3), .seconds(7)])
        #expect(both.virtualServers.map(\.check.negotiateTimeout) == [.seconds(3), .seconds(11)])
    }

    @Test func a34_combined() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    checktype=3\n")
        #expect(server.check.type == .combined(connects: 3))
    }

    @Test func a35_external() throws {
        let server = try onlyServer(
            """
            virtual=9
                real=10.1.0.1 masq
                checktype=external
                checkcommand="/x/chk"
            """
        )
        #expect(server.check.type == .external)
        #expect(server.check.command == "/x/chk")
        #expect(server.realServers.map(\.configuredPort) == [0])
    }

    @Test func a37_cleanstop() throws {
        let both = try configuration(
            """
            cleanstop=no
            virtual=10.9.0.1:80
                cleanstop=yes
            virtual=10.9.0.2:80
                checktype=on
            """
        )
        #expect(both.virtualServers.map(\.cleansOnStop) == [true, false])
    }

    @Test func a38_autoreloadAndCallback() throws {
        let daemon = try configuration("autoreload = yes\ncallback = \"/usr/local/sbin/copy\"\n").daemon
        #expect(daemon.reloadsAutomatically)
        #expect(daemon.callback == "/usr/local/sbin/copy")
    }

    @Test func a41_logfile() throws {
        #expect(try configuration("logfile=\"local3\"\n").daemon.logTarget == .syslog(facility: "local3"))
        #expect(try configuration("logfile=\"/x/l\"\n").daemon.logTarget == .file("/x/l"))
        #expect(try configuration("").daemon.logTarget == .file("/var/log/ldirectord.log"))
    }

    @Test func a42_mailFilter() throws {
        let server = try onlyServer(
            """
            emailalert="a@x.test, b@x.test"
            emailalertstatus = running , stopping
            emailalertfrom=Director <d@x.test>
            virtual=10.9.0.1:80
                emailalertfreq=60
            """
        )
        #expect(server.mail.recipients == ["a@x.test", "b@x.test"])
        #expect(server.mail.phases == [.running, .stopping])
        #expect(server.mail.reminderInterval == .seconds(60))
        #expect(server.mail.sender == "Director <d@x.test>")
    }

    @Test func a44_gateWithForeignPort() throws {
        let server = try onlyServer("virtual=10.9.0.1:80\n    real=10.1.0.1:8080 gate 5\n    quiescent=yes\n")
        #expect(table(server) == ["10.1.0.1:80 gate 5"])
        #expect(server.isQuiescent)
    }
}
