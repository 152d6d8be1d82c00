// SPDX-License-Identifier: Apache-2.0
import LDirectorConfig
import LinuxKit
import Testing

/// How checks go about their work: idlecheck, checksource, checkinterface, dynamicweight.
@Suite struct ConductTests {
    private static func block(_ lines: String...) -> String {
        "virtual=10.9.0.1:80\n\treal=10.1.0.1:80 masq\n" + lines.map { "\t\($0)\n" }.joined()
    }

    @Test func blockOverGlobalOverDefault() throws {
        #expect(try onlyServer(Self.block()).check.conduct == CheckConduct())
        let globals = "idlecheck=yes\nchecksource=10.2.0.1\ncheckinterface=eth1\ndynamicweight=100\n"
        let common = try onlyServer(globals + Self.block()).check.conduct
        #expect(common.holdsConnection)
        #expect(common.sourceAddress == IPAddress("10.2.0.1"))
        #expect(common.interface == "eth1")
        #expect(common.largestWeight == 100)
        let own = try onlyServer(globals + Self.block("idlecheck=no", "checksource=10.2.0.9", "dynamicweight=0"))
        #expect(!own.check.conduct.holdsConnection)
        #expect(own.check.conduct.sourceAddress == IPAddress("10.2.0.9"))
        #expect(own.check.conduct.largestWeight == 0)
    }

    @Test func aCommonSourceServesItsFamilyOnly() throws {
        let text = "checksource=10.2.0.1\nvirtual6=[2001:db8::5]:80\n\treal6=[2001:db8::10]:80 masq\n"
        #expect(try onlyServer(text).check.conduct.sourceAddress == nil)
        #expect(errorLines(Self.block("checksource=2001:db8::1")) == [3])
    }

    @Test(arguments: [
        "idlecheck=maybe", "checksource=director.test", "checksource=10.2.0.300", "checkinterface=much-too-long-name",
        "checkinterface=a/b", "checkinterface=..", "dynamicweight=65536", "dynamicweight=x",
    ])
    func badLines(_ line: String) { #expect(errorLines(Self.block(line)) == [3]) }

    @Test(arguments: [
        ["checktype=ping", "idlecheck=yes"], ["protocol=udp", "service=dns", "idlecheck=yes"],
        ["service=radius", "idlecheck=yes"], ["dynamicweight=5"], ["checktype=external", "checksource=10.2.0.1"],
    ])
    func warnsOfLinesWithoutEffect(_ lines: [String]) {
        let text = "virtual=10.9.0.1:80\n\treal=10.1.0.1:80 masq\n" + lines.map { "\t\($0)\n" }.joined()
        let result = parse(text)
        #expect(result.errors.isEmpty)
        #expect(result.diagnostics.count == 1, "\(result.diagnostics)")
    }

    @Test func compatLegacyRefusesThem() {
        for line in ["idlecheck=yes", "checksource=10.2.0.1", "checkinterface=eth1", "dynamicweight=3"] {
            #expect(errorLines("compat=legacy\n\(line)\n") == [2])
        }
        #expect(errorLines("compat=legacy\ncheckinterval=200ms\n") == [2])
    }

    @Test func milliseconds() throws {
        #expect(try onlyServer(Self.block("checkinterval=200ms")).check.interval == .milliseconds(200))
        #expect(try onlyServer(Self.block("checktimeout=50ms")).check.connectTimeout == .milliseconds(50))
        #expect(try onlyServer(Self.block("negotiatetimeout=1500ms")).check.negotiateTimeout == .milliseconds(1500))
        #expect(errorLines(Self.block("checkinterval=0ms")) == [3])
    }

    @Test func isWrittenOutAndReadBack() throws {
        let lines = ["idlecheck=yes", "checksource=10.2.0.1", "checkinterface=eth1", "checkinterval=200ms"]
        let server = try onlyServer(Self.block(lines[0], lines[1], lines[2], lines[3]))
        var configuration = Configuration()
        configuration.virtualServers = [server]
        #expect(try onlyServer(ConfigurationRenderer().render(configuration)) == server)
    }
}
