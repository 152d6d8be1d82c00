// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

@testable import IPVS

@Suite struct SysctlTests {
    /// Runs `body` with a directory that has files like the kernel's.
    private func withFiles(_ files: [String: String], _ body: (IPVSSysctl) throws -> Void) throws {
        var template = Array("/tmp/vervet-sysctl-test.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(nulTerminated: template)
        defer { rmdir(directory) }
        for (name, text) in files {
            let file = try OwnedDescriptor(opening: "\(directory)/\(name)", flags: O_WRONLY | O_CREAT)
            try systemCall("write") { write(file.raw, text, text.utf8.count) }
        }
        defer {
            for name in files.keys {
                unlink("\(directory)/\(name)")
            }
        }
        try body(IPVSSysctl(directory: directory))
    }

    @Test func blanksAreNoDifference() throws {
        try withFiles(["sync_threshold": "3\t50\n"]) { (sysctl: IPVSSysctl) throws in
            #expect(try sysctl.value("sync_threshold") == "3 50")
            #expect(try sysctl.set("sync_threshold", to: " 3  50 ") == nil)
        }
    }

    @Test func whatIsMissingOrMisreadIsSaid() throws {
        try withFiles(["sync_retries": "12\n"]) { (sysctl: IPVSSysctl) throws in
            #expect(try sysctl.value("sync_qlen_max") == nil)
            let missing = #expect(throws: IPVSError.self) { try sysctl.set("sync_qlen_max", to: "1") }
            #expect(
                "\(try #require(missing))" == "set net.ipv4.vs.sync_qlen_max to 1: this kernel has no such setting"
            )
            // A plain file keeps what the write did not reach, as if the kernel had made something else of it.
            let different = #expect(throws: IPVSError.self) { try sysctl.set("sync_retries", to: "3") }
            #expect(different?.code == .invalid)
        }
    }
}
