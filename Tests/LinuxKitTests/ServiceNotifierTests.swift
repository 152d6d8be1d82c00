// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit
import Testing

struct ServiceNotifierTests {
    /// A manager that listens under an abstract name of this test's own.
    private func listen(_ name: String) throws -> OwnedDescriptor {
        let kind = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let descriptor = OwnedDescriptor(owning: socket(AF_UNIX, kind, 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: [0] + Array(name.utf8)) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        let raw = descriptor.raw
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(raw, $0, length) }
        }
        try #require(status == 0)
        return descriptor
    }

    @Test func assignmentsArriveInOneDatagram() throws {
        let name = "vervet-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let manager = try listen(name)
        let notifier = ServiceNotifier(socketPath: "@\(name)", watchdogInterval: nil)
        notifier.send(["READY=1", "STATUS=one\ntwo"])
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = recv(manager.raw, &buffer, buffer.count, 0)
        #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "READY=1\nSTATUS=one two")
    }

    @Test(arguments: ["@nobody-listens-here", "/nowhere/socket", "relative", "", String(repeating: "/x", count: 100)])
    func aManagerThatIsNotThereIsNoError(_ path: String) {
        ServiceNotifier(socketPath: path, watchdogInterval: nil).send(["READY=1"])
        ServiceNotifier().send(["READY=1"])
    }
}

struct DurationTextTests {
    @Test(arguments: [
        (Duration.zero, "0"), (.seconds(5), "5"), (.milliseconds(2500), "2.5"), (.microseconds(4217), "0.004217"),
        (.nanoseconds(999), "0"), (.milliseconds(-1500), "-1.5"), (.seconds(86_400 * 365), "31536000"),
    ])
    func seconds(_ duration: Duration, _ text: String) { #expect(duration.secondsText == text) }
}
