// SPDX-License-Identifier: Apache-2.0
import Glibc
import LDirectorCore
import Testing

struct LockFileTests {
    /// A path of this test's own.
    private func path() -> String { "/tmp/vervet-lock-\(getpid())-\(UInt32.random(in: 0...UInt32.max))" }

    @Test func onlyRootCanOpenIt() throws {
        let path = path()
        // As left by a predecessor that let everybody read it.
        let old = open(path, O_CREAT | O_WRONLY, 0o644)
        #expect(old >= 0 && fchmod(old, 0o644) == 0 && close(old) == 0)
        defer { unlink(path) }
        let lock = try LockFile.take(path)
        let isTaken = lock != nil
        #expect(isTaken)
        var info = stat()
        #expect(stat(path, &info) == 0 && info.st_mode & 0o777 == 0o600)
        #expect(try LockFile.owner(of: path) == .process(getpid()))
        lock?.remove()
        #expect(try LockFile.owner(of: path) == .none)
    }

    @Test func symbolicLinkIsNotFollowed() throws {
        let path = path()
        #expect(symlink("/tmp/vervet-elsewhere-\(getpid())", path) == 0)
        defer { unlink(path) }
        #expect(throws: (any Error).self) {
            let lock = try LockFile.take(path)
            lock?.remove()
        }
    }
}
