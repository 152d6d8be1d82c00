// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

struct RunFileTests {
    @Test func isRootsAloneAndHeldOnce() throws {
        let path = "/tmp/vervet-run-\(getpid())"
        // As left by a predecessor that let everybody read it.
        let old = open(path, O_CREAT | O_WRONLY, 0o644)
        #expect(old >= 0 && fchmod(old, 0o644) == 0 && close(old) == 0)
        let file = try RunFile(path: path)
        var info = stat()
        #expect(stat(path, &info) == 0 && info.st_mode & 0o777 == 0o600)
        #expect(throws: (any Error).self) { try RunFile(path: path) }
        file.release()
        #expect(access(path, F_OK) != 0)
    }
}
