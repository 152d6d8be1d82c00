// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

/// send_arp and send_ua on the real kernel.
@Suite(.needsRoot, .timeLimit(.minutes(10))) struct SendArpTests {
    let site: Site
    let program = Site.program("send_arp")
    let pidFile: String

    init() throws {
        site = try Site()
        pidFile = "\(site.directory)/announcer.pid"
    }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    @Test func case60RoundsIntervalAndPidFile() throws {
        let capture = try Capture("vb0", of: site.b, in: site)
        let sender = try ChildProcess.start(
            site.a.command([program, "-r", "2", "-i", "200", "-p", pidFile, "va0", "198.51.100.1", "auto", "x", "y"])
        )
        #expect(Site.wait { exists(pidFile) })
        #expect(try sender.wait(until: Deadline(after: .seconds(60))) == .exited(0))
        #expect(!exists(pidFile))
        let frames = try capture.frames()
        #expect(frames.map(\.operation) == ["1", "2", "1", "2"])
        #expect(frames.allSatisfy { $0.sender == "198.51.100.1" && $0.target == "198.51.100.1" })
        #expect(frames.allSatisfy { $0.destination == "ff:ff:ff:ff:ff:ff" })
        #expect(frames[0].targetHardware == "00:00:00:00:00:00" && frames[1].targetHardware == frames[1].senderHardware)
        #expect(frames[2].time - frames[0].time > 0.15)
    }

    @Test(arguments: [
        ["nonic", "198.51.100.1", "auto", "x", "y"], ["lo", "198.51.100.1", "auto", "x", "y"],
        ["va0", "198.51.100.77", "auto", "x", "y"], ["va0", "198.51.100.1", "auto", "x"],
    ])
    func case61Refusals(operands: [String]) throws {
        let capture = try Capture("vb0", of: site.b, in: site)
        let outcome = try site.a.outcome([program] + operands)
        #expect(outcome.status == .exited(2) && outcome.errorText.hasPrefix("send_arp: "))
        #expect(try capture.frames().isEmpty)
    }

    @Test func case61WithoutRoot() throws {
        let outcome = try site.a.outcome(
            [
                "/usr/bin/setpriv", "--reuid", "65534", "--clear-groups", program, "va0", "198.51.100.1", "auto", "x",
                "y",
            ]
        )
        #expect(outcome.status == .exited(2) && outcome.errorText.contains("Operation not permitted"))
    }

    @Test func case62ForeignPidFile() throws {
        let bystander = try ChildProcess.start(["/bin/sleep", "60"])
        defer { _ = try? bystander.end() }
        try TextFile.write(pidFile, "\(bystander.pid)\n")
        let capture = try Capture("vb0", of: site.b, in: site)
        let outcome = try site.a.outcome([program, "-p", pidFile, "va0", "198.51.100.1", "auto", "x", "y"])
        #expect(outcome.status == .exited(0))
        #expect(kill(bystander.pid, 0) == 0)
        #expect(try capture.frames().count == 2)
        #expect(!exists(pidFile))
    }

    @Test func quirk10EarlierSenderIsEndedByTerm() throws {
        let words = [program, "-r", "1000", "-i", "100", "-p", pidFile, "va0", "198.51.100.1", "auto", "x", "y"]
        let first = try ChildProcess.start(site.a.command(words))
        #expect(Site.wait { exists(pidFile) })
        let second = try ChildProcess.start(site.a.command(words))
        #expect(try first.wait(until: Deadline(after: .seconds(60))) == .exited(0))
        #expect(Site.wait { exists(pidFile) })
        #expect(try second.end() == .exited(0))
    }

    @Test func case63TermWhileRepeating() throws {
        let sender = try ChildProcess.start(
            site.a.command([program, "-r", "1000", "-i", "500", "-p", pidFile, "va0", "198.51.100.1", "auto", "x", "y"])
        )
        #expect(Site.wait { exists(pidFile) })
        #expect(kill(sender.pid, SIGTERM) == 0)
        #expect(try sender.wait(until: Deadline(after: .seconds(60))) == .exited(0))
        #expect(!exists(pidFile))
    }

    @Test(arguments: ["0", "1"])
    func case42AdvertisementsCarryTheRouterFlag(forwarding: String) throws {
        try site.a.run("ip -6 address add 2001:db8:1::50/64 dev va0")
        try site.a.run("sysctl -qw net.ipv6.conf.va0.forwarding=\(forwarding)")
        let capture = try Capture("vb0", of: site.b, in: site, "icmp6[0] == 136")
        let outcome = try site.a.outcome(
            ["\(site.directory)/send_ua", "-c", "3", "-i", "100", "2001:db8:1::50/64", "64", "va0"]
        )
        #expect(outcome.status == .exited(0), "\(outcome.errorText)")
        let frames = try capture.frames().filter { $0.advertised == "2001:db8:1::50" && $0.destination == "ff02::1" }
        #expect(frames.count >= 3)
        let link = try site.a.run("ip -o link show va0")
        for frame in frames.suffix(3) {
            #expect(frame.hopLimit == "255" && ["1", "True"].contains(frame.overrideFlag))
            #expect(["1", "True"].contains(frame.routerFlag) == (forwarding == "1"))
            #expect(link.contains(frame.senderHardware))
        }
    }

    /// Frames of a run whose list comes on standard input.
    private func announce(list: String, _ options: [String], to capture: Capture) throws -> [Capture.Frame] {
        try TextFile.write("\(site.directory)/list", list)
        let outcome = try site.a.outcome(
            ["/bin/sh", "-c", "exec \"$0\" \"$@\" -B - <\(site.directory)/list", program] + options
        )
        #expect(outcome.status == .exited(0), "\(outcome.errorText)")
        // On a busy machine the recording of a long list lags behind.
        let lines = list.split(separator: "\n").count
        _ = Site.wait(.seconds(lines > 100 ? 30 : 0)) { capture.size >= 24 + lines * (16 + 42) }
        return try capture.frames()
    }

    @Test func manyAddressesInOneRun() throws {
        try site.a.run("ip address add 198.51.100.2/24 dev va0")
        try site.a.run("ip -6 address add 2001:db8:1::50/64 dev va0 nodad")
        let capture = try Capture("vb0", of: site.b, in: site, "arp or icmp6[0] == 136")
        let list = "va0 198.51.100.1\nva0 198.51.100.2 # second\nva0 2001:db8:1::50\nva0 198.51.100.9 020000000009\n"
        let frames = try announce(list: list, ["-A", "-r", "2", "-i", "100"], to: capture)
        let arp = frames.filter { $0.operation == "2" }
        let round = ["198.51.100.1", "198.51.100.2", "198.51.100.9"]
        #expect(arp.map(\.sender) == round + round)
        #expect(arp[2].senderHardware == "02:00:00:00:00:09")
        #expect(frames.filter { $0.advertised == "2001:db8:1::50" && $0.destination == "ff02::1" }.count >= 2)
    }

    @Test func aThousandAddressesAreEachAnnouncedOnce() throws {
        let capture = try Capture("vb0", of: site.b, in: site)
        let list = (0..<1000).map { "va0 203.0.\(113 + $0 / 250).\(1 + $0 % 250)\n" }.joined()
        let frames = try announce(list: list, ["-U", "-F"], to: capture)
        #expect(Set(frames.map(\.sender)).count == 1000)
        #expect(frames.count == 1000)
    }

    @Test func aWrongLineSendsNothing() throws {
        let capture = try Capture("vb0", of: site.b, in: site)
        for text in ["va0 198.51.100.1\nnonic 198.51.100.1\n", "va0 198.51.100.1\nva0 198.51.100.7\n", "va0\n", ""] {
            try TextFile.write("\(site.directory)/list", text)
            let outcome = try site.a.outcome([program, "-B", "\(site.directory)/list"])
            #expect(outcome.status == .exited(2) && outcome.errorText.hasPrefix("send_arp: "))
        }
        #expect(try capture.frames().isEmpty)
    }

    @Test func arpingFormTakesSeveralAddresses() throws {
        try site.a.run("ip address add 198.51.100.2/24 dev va0")
        let capture = try Capture("vb0", of: site.b, in: site)
        let outcome = try site.a.outcome([program, "-q", "-U", "-c", "1", "-I", "va0", "198.51.100.1", "198.51.100.2"])
        #expect(outcome.status == .exited(0))
        #expect(try capture.frames().map(\.sender) == ["198.51.100.1", "198.51.100.2"])
    }

    @Test func quirk32NoRoundsSucceedAndSendNothing() throws {
        let capture = try Capture("vb0", of: site.b, in: site)
        let outcome = try site.a.outcome(
            [program, "-r", "0", "-p", pidFile, "va0", "198.51.100.1", "auto", "x", "y"]
        )
        #expect(outcome.status == .exited(0) && !exists(pidFile))
        #expect(try capture.frames().isEmpty)
    }

    @Test func quirk33AdvertiserReportsFailures() throws {
        let program = "\(site.directory)/send_ua"
        #expect(try site.a.outcome([program, "2001:db8:1::50", "64", "nonic"]).status != .exited(0))
        let absent = try site.a.outcome([program, "2001:db8:1::50", "64", "va0"])
        #expect(absent.status == .exited(1) && absent.errorText.contains("not a usable address of va0"))
        #expect(try site.a.outcome([program, "x", "64", "va0"]).status == .exited(2))
    }

    /// The words of a call in the historic form.
    private func words(_ options: [String], _ operands: [String] = ["va0", "198.51.100.1", "auto", "x", "y"])
        -> [String]
    {
        [program] + options + operands
    }

    /// The frames of a call, with everything that Ethernet and ARP say, as tshark prints them.
    private func wire(_ arguments: [String], _ filter: String = "arp") throws -> [[String]] {
        let file = "\(site.directory)/wire.pcap"
        let capture = try ChildProcess.start(
            site.b.command([
                "/usr/bin/tcpdump", "-i", "vb0", "-n", "-U", "-Z", "root", "--immediate-mode", "-w", file, filter,
            ])
        )
        #expect(Site.wait { (try? TextFile.read(file, limit: 24))?.utf8.isEmpty == false })
        let outcome = try site.a.outcome(arguments)
        #expect(outcome.status == .exited(0), "\(outcome.errorText)")
        capture.settle()
        _ = try capture.end()
        let fields = [
            "frame.len", "eth.src", "eth.dst", "arp.hw.type", "arp.proto.type", "arp.opcode", "arp.src.hw_mac",
            "arp.dst.hw_mac",
        ]
        let text = try ChildProcess.run(
            ["/usr/bin/tshark", "-r", file, "-T", "fields", "-E", "separator=;"] + fields.flatMap { ["-e", $0] },
            timeout: .seconds(120),
            limit: 1 << 20
        ).outputText
        unlink(file)
        return text.split(separator: "\n").map {
            $0.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// The hardware address of va0.
    private func hardware() throws -> String {
        let words = try site.a.run("ip -o link show va0").split(whereSeparator: \.isWhitespace)
        return String(words[try #require(words.firstIndex(of: "link/ether")) + 1])
    }

    @Test func framesOfARoundInFull() throws {
        let own = try hardware()
        let (zero, ones) = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")
        let head = ["42", own, ones, "1", "0x0800"]
        #expect(try wire(words([])) == [head + ["1", own, zero], head + ["2", own, own]])
        #expect(try wire(words(["-U", "-o"])) == [head + ["1", own, ones]])
        #expect(try wire(words(["-A"])) == [head + ["2", own, own]])
        // Another hardware address is advertised, but the frame comes from the device; any spelling will do.
        let other = "02:00:00:00:00:09"
        for spelling in ["020000000009", "02-00-00-00-00-09", other] {
            let operands = ["va0", "198.51.100.77", spelling, "not_used", "not_used"]
            #expect(try wire(words([], operands)) == [head + ["1", other, zero], head + ["2", other, other]])
        }
        #expect(try wire(words(["-F"], ["va0", "198.51.100.77", "AUTO", "x", "ffffffffffff"])).count == 2)
    }

    @Test func anAdvertisementIs86BytesLong() throws {
        try site.a.run("ip -6 address add 2001:db8:1::50/64 dev va0 nodad")
        let frames = try wire(
            ["\(site.directory)/send_ua", "-c", "1", "2001:db8:1::50", "64", "va0"],
            "icmp6[0] == 136 and src 2001:db8:1::50"
        )
        #expect(frames.map { Array($0.prefix(3)) } == [["86", try hardware(), "33:33:00:00:00:01"]])
    }

    @Test func devicesThatCannotAnnounce() throws {
        try site.a.run("ip address add 203.0.113.5/24 dev va1")
        try site.a.run("ip link set va1 arp off")
        #expect(try site.a.outcome(words([], ["va1", "203.0.113.5", "auto", "x", "y"])).status == .exited(2))
        try site.a.run("ip link set va1 arp on down")
        let down = try site.a.outcome(words([], ["va1", "203.0.113.5", "auto", "x", "y"]))
        #expect(down.status == .exited(2) && down.errorText.contains("set it up first"))
    }

    @Test func ownersAreFound() throws {
        try site.b.run("ip address add 198.51.100.77/24 dev vb0")
        func ask(_ options: [String], _ addresses: String...) throws -> (status: ChildProcess.Status, text: String) {
            let outcome = try site.a.outcome([program, "-D"] + options + ["-I", "va0"] + addresses)
            return (outcome.status, outcome.errorText)
        }
        let taken = try ask(["-i", "10000"], "198.51.100.76", "198.51.100.77")
        #expect(taken.status == .exited(1) && taken.text.contains("198.51.100.77"))
        #expect(try ask(["-q", "-i", "10000"], "198.51.100.77") == (.exited(1), ""))
        #expect(try ask(["-c", "2", "-i", "100"], "198.51.100.76") == (.exited(0), ""))
        #expect(try ask([], "nonic").status == .exited(2))
    }

    @Test func usage() throws {
        #expect(try site.a.outcome([program, "-h"]).status == .exited(0))
        #expect(try site.a.outcome([program, "-h"]).outputText.hasPrefix("usage: send_arp"))
        let none = try site.a.outcome([program])
        #expect(none.status == .exited(2) && none.errorText.contains("usage: send_arp") && none.outputText.isEmpty)
        let advertiser = "\(site.directory)/send_ua"
        let help = try site.a.outcome([advertiser, "-h"])
        #expect(help.status == .exited(2) && help.outputText.hasPrefix("usage: send_ua"))
        #expect(try site.a.outcome([advertiser, "2001:db8::1", "64"]).status == .exited(2))
    }

    @Test(arguments: ["", "\n", "0\n", "-1\n", "99999999\n", "junk", "1\n1\n", "999999\n12345\n"])
    func pidFilesThatNameNobodyOfOurs(text: String) throws {
        try TextFile.write(pidFile, text)
        #expect(try site.a.outcome(words(["-p", pidFile])).status == .exited(0))
        #expect(!exists(pidFile))
    }

    @Test func pidFilePlaces() throws {
        let deep = "\(site.directory)/not/yet/there.pid"
        #expect(try site.a.outcome(words(["-p", deep])).status == .exited(0))
        #expect(exists("\(site.directory)/not/yet") && !exists(deep))
        // A link is not followed: what it names stays as it is.
        let precious = "\(site.directory)/precious"
        try TextFile.write(precious, "untouched")
        try systemCall("symlink") { symlink(precious, pidFile) }
        #expect(try site.a.outcome(words(["-p", pidFile])).status == .exited(0))
        #expect(try TextFile.read(precious, limit: 64) == "untouched")
        #expect(try site.a.outcome(words(["-p", "relative.pid"])).status == .exited(2))
        #expect(try site.a.outcome(words(["-p", "/proc/nowhere/x.pid"])).status == .exited(2))
        let sender = try ChildProcess.start(site.a.command(words(["-r", "9", "-i", "200", "-p", pidFile])))
        #expect(Site.wait { exists(pidFile) })
        var status = stat()
        #expect(stat(pidFile, &status) == 0 && status.st_mode & 0o777 == 0o600)
        _ = try sender.end()
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func signalsEndAnAdvertiserToo(signal: CInt) throws {
        try site.a.run("ip -6 address add 2001:db8:1::50/64 dev va0 nodad")
        let sender = try ChildProcess.start(
            site.a.command([
                "\(site.directory)/send_ua", "-c", "1000", "-i", "500", "-p", pidFile, "2001:db8:1::50", "64", "va0",
            ])
        )
        #expect(Site.wait { exists(pidFile) })
        #expect(kill(sender.pid, signal) == 0)
        #expect(try sender.wait(until: Deadline(after: .seconds(60))) == .exited(0))
        #expect(!exists(pidFile))
    }

    @Test func advertiserWaitsForATentativeAddressAndNotAfterTheLast() throws {
        try site.a.run("ip -6 address add 2001:db8:1::50/64 dev va0")
        let begin = ContinuousClock.now
        let outcome = try site.a.outcome(
            ["\(site.directory)/send_ua", "-c", "1", "-i", "90000", "2001:db8:1::50", "64", "va0"]
        )
        #expect(outcome.status == .exited(0), "\(outcome.errorText)")
        #expect(ContinuousClock.now - begin < .seconds(60))
        #expect(
            try site.has("2001:db8:1::50/64")
                && !site.a.run("ip -6 address show va0").contains("50/64 scope global tentative")
        )
    }

    @Test func advertiserOfALinkLocalAddress() throws {
        try site.a.run("ip -6 address add fe80::50/64 dev va0 nodad")
        let capture = try Capture("vb0", of: site.b, in: site, "icmp6[0] == 136")
        let outcome = try site.a.outcome(["\(site.directory)/send_ua", "-c", "1", "fe80::50", "64", "va0"])
        #expect(outcome.status == .exited(0), "\(outcome.errorText)")
        #expect(try capture.frames().contains { $0.advertised == "fe80::50" && $0.destination == "ff02::1" })
    }
}
