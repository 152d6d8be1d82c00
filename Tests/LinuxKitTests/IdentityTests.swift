// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@Suite struct ProcessIdentityTests {
    @Test func namesOneProcessOnly() throws {
        let own = try #require(ProcessIdentity.current)
        #expect(own.pid == getpid() && own.isAlive)
        #expect(ProcessIdentity(text: own.text) == own)
        let later = try #require(ProcessIdentity(text: "\(own.pid)\n\(own.startTime + 1)\n"))
        #expect(!later.isAlive)
        // Ending a process that is not the one that was noted does nothing.
        try later.end(grace: .milliseconds(10))
        #expect(own.isAlive)
    }

    @Test(arguments: ["", "1", "x\n1\n", "1\nx\n", "-1\n5\n", "0\n5\n", "99999999999\n1\n"])
    func refusesOtherTexts(text: String) {
        #expect(ProcessIdentity(text: text) == nil)
    }

    @Test func endsAProcess() throws {
        let child = try ChildProcess.start(["/bin/sleep", "60"])
        let identity = try #require(ProcessIdentity(pid: child.pid))
        try identity.end(grace: .seconds(60), until: .silent)
        #expect(try child.wait(until: Deadline(after: .seconds(60))) == .signalled(SIGTERM))
    }
}

@Suite struct IdentityFileTests {
    @Test func claimsAndReleases() throws {
        let file = IdentityFile(path: "/tmp/vervet-identity-\(getpid())-\(Int.random(in: 0...Int.max))/own.pid")
        try file.claim()
        #expect(ProcessIdentity(text: try TextFile.read(file.path, limit: 64)) == ProcessIdentity.current)
        // Stale, empty and foreign files are replaced.
        for text in ["", "\(Int32.max)\n1\n", "1\n"] {
            try TextFile.write(file.path, text)
            try file.claim()
        }
        file.release()
        #expect(access(file.path, F_OK) != 0)
        rmdir(String(file.path.dropLast("/own.pid".count)))
    }
}

@Suite struct ShortOptionTests {
    @Test func readsAsGetopt() throws {
        let options = try ShortOptions(["-ab", "-r5", "-i", "200", "--", "-x"], letters: "abr:i:")
        #expect(options.flags == ["a", "b"] && options.values == ["r": "5", "i": "200"] && options.operands == ["-x"])
        #expect(try ShortOptions(["x", "-a"], letters: "a").operands == ["x", "-a"])
        #expect(throws: ShortOptions.Failure.unknownOption("z")) { try ShortOptions(["-z"], letters: "a") }
        #expect(throws: ShortOptions.Failure.missingValue("r")) { try ShortOptions(["-r"], letters: "r:") }
    }
}

@Suite struct DirectoryTests {
    @Test func madeByManyAtOnce() async throws {
        let base = "/tmp/vervet-directory-\(getpid())"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask { try TextFile.makeDirectory("\(base)/a/b/c") }
            }
            try await group.waitForAll()
        }
        #expect(access("\(base)/a/b/c", F_OK) == 0)
        for path in ["/a/b/c", "/a/b", "/a", ""] {
            #expect(rmdir(base + path) == 0)
        }
        #expect(throws: SystemError.self) { try TextFile.makeDirectory("/proc/nowhere/x") }
    }
}
