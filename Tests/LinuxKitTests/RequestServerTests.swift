// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKit
import Testing

struct RequestServerTests {
    /// A client's end of a connection to a server in a folder of its own.
    private static func connect(_ path: String) throws -> OwnedDescriptor {
        let descriptor = OwnedDescriptor(owning: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor.raw, $0, length) }
        }
        try #require(status == 0)
        return descriptor
    }

    @Test func othersHaveTheirTurnBetweenTheParts() throws {
        let path = "/tmp/request-server-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let loop = try EventLoop()
        var made = 0
        var whenAsked: Int?
        let server = try RequestServer(
            try ListeningSocket.local(path, for: .everybody),
            on: loop,
            answer: RequestServer.lines { line in
                guard line == "long" else {
                    whenAsked = made
                    return RequestServer.Answer(Array("short\n".utf8))
                }
                return RequestServer.Answer(Array("begin\n".utf8)) {
                    made += 1
                    // Some parts are empty: work without a result.
                    return made > 1000 ? nil : made % 3 == 0 ? [] : Array("\(made)\n".utf8)
                }
            }
        )
        defer {
            server.close()
            unlink(path)
        }
        let long = try Self.connect(path)
        let short = try Self.connect(path)
        #expect(write(long.raw, "long\n", 5) == 5)
        #expect(write(short.raw, "short\n", 6) == 6)
        var text: [UInt8] = []
        let descriptor = long.raw
        try loop.watch(descriptor, for: .readable) { _ in
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = read(descriptor, &buffer, buffer.count)
            text += buffer.prefix(max(0, count))
            if count <= 0 {
                loop.stop()
            }
        }
        loop.after(.seconds(60)) { loop.stop() }
        try loop.run()
        #expect((whenAsked ?? 1000) < 20)
        let expected = ["begin"] + (1...1000).filter { $0 % 3 != 0 }.map(String.init)
        #expect(String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init) == expected)
    }
}
