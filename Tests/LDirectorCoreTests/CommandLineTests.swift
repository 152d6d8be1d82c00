// SPDX-License-Identifier: Apache-2.0
import LDirectorCore
import Testing

struct CommandLineTests {
    @Test func A40_instanceNames() throws {
        #expect(try CommandLineArguments(["start"]).instance == "ldirectord")
        #expect(try CommandLineArguments(["start"]).configuration == "ldirectord.cf")
        let named = try CommandLineArguments(["/etc/x/web.cf", "start"])
        #expect(named.instance == "web.cf")
        #expect(named.configuration == "/etc/x/web.cf")
        #expect(RuntimeFiles(instance: "web.cf").pidFile == "/var/run/ldirectord.web.cf.pid")
        #expect(RuntimeFiles(instance: "web.cf").controlSocket == "/run/vervet/ldirectord.web.cf.sock")
    }

    @Test func optionsComeFirstAndMayBeBundled() throws {
        #expect(try CommandLineArguments(["-d", "web.cf", "start"]).isDebug)
        #expect(try CommandLineArguments(["-dv"]).request == .version)
        #expect(try CommandLineArguments(["-h"]).request == .help)
        #expect(try CommandLineArguments(["stop", "--no-wait"]).doesNotWait)
        #expect(try CommandLineArguments(["web.cf", "status", "--json"]).asJSON)
    }

    @Test func optionsOfManagers() throws {
        let words = ["--foreground", "--pidfile", "/run/x.pid", "web.cf", "start"]
        let arguments = try CommandLineArguments(words)
        #expect(arguments.isForeground && arguments.pidFile == "/run/x.pid" && arguments.instance == "web.cf")
        #expect(try CommandLineArguments(["--pidfile=/x", "--background", "start"]).isBackground)
        #expect(RuntimeFiles(instance: "web.cf", pidFile: "/x").pidFile == "/x")
        for words in [
            ["--pidfile"], ["--pidfile", "x", "start"], ["--pidfile=", "start"], ["--pidfile=/x/", "start"],
        ] {
            #expect(throws: CommandLineArguments.UsageError.self) { try CommandLineArguments(words) }
        }
    }

    @Test func ordersWithAndWithoutConfiguration() throws {
        let plain = try CommandLineArguments(["drain", "10.1.0.1:80", "limit=600"])
        #expect(plain.request == .order("drain 10.1.0.1:80 limit=600"))
        #expect(plain.instance == "ldirectord")
        let named = try CommandLineArguments(["/etc/x/web.cf", "weight", "10.1.0.1", "9", "service=tcp 10.9.0.1:80"])
        #expect(named.request == .order("weight 10.1.0.1 9 service=tcp 10.9.0.1:80"))
        #expect(named.instance == "web.cf")
        #expect(try CommandLineArguments(["drain", "start"]).request == .perform(.start))
        for words in [["drain"], ["web.cf", "weight", "10.1.0.1"], ["web.cf", "enable", "--json", "10.1.0.1"]] {
            #expect(throws: CommandLineArguments.UsageError.self) { try CommandLineArguments(words) }
        }
    }

    @Test func checkConfigInEitherOrder() throws {
        let first = try CommandLineArguments(["check-config", "web.cf"])
        #expect(first.configuration == "web.cf")
        #expect(first.request == .perform(.checkConfig))
        #expect(try CommandLineArguments(["web.cf", "check-config"]) == first)
    }

    @Test(arguments: [[], ["dance"], ["-x", "start"], ["--foo", "start"], ["start", "--json"]] as [[String]])
    func A39_anythingElseIsUsage(_ words: [String]) {
        #expect(throws: CommandLineArguments.UsageError.self) { try CommandLineArguments(words) }
    }
}
