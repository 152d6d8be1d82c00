// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Netlink

/// The kernel of this machine, with requests that need no privileges and change nothing.
@Suite struct SocketTests {
    private static let getLink: UInt16 = 18

    /// RTM_GETLINK for an interface index; struct ifinfomsg has 16 bytes, the index at offset 4.
    private func link(_ index: Int32) -> NetlinkRequest {
        let number = withUnsafeBytes(of: index, Array.init)
        return NetlinkRequest(
            type: Self.getLink,
            payload: [0, 0, 0, 0] + number + [UInt8](repeating: 0, count: 8),
            operation: "read link",
            subject: "\(index)"
        )
    }

    @Test func dumpsAllLinks() throws {
        let socket = try NetlinkSocket(.route)
        let names = try socket.dump(link(0)).compactMap {
            NetlinkAttributes($0.payload.dropFirst(16))[3]?.string
        }
        #expect(names.contains("lo"))
    }

    @Test func refusalsCarryErrnoAndWords() throws {
        let socket = try NetlinkSocket(.route)
        #expect(try socket.request(link(1)).count == 1)
        let missing = link(0x7fff_fff0)
        let expected = NetlinkError(kind: .refused, operation: "read link", subject: "2147483632", code: ENODEV)
        #expect(throws: expected) { try socket.request(missing) }
        #expect("\(expected)" == "read link 2147483632: No such device")
    }

    @Test func aBatchAnswersEachRequestInOrder() throws {
        let socket = try NetlinkSocket(.route)
        let requests = (0..<1000).map { link($0.isMultiple(of: 3) ? 0x7fff_fff0 : 1) }
        let results = try socket.batch(requests)
        #expect(results.map { $0?.code } == (0..<1000).map { $0.isMultiple(of: 3) ? ENODEV : nil })
        // Nothing of it is left over for the next request.
        #expect(try socket.request(link(1)).count == 1)
        #expect(try socket.batch([]).isEmpty)
    }

    @Test func resolvesFamilies() throws {
        let socket = try NetlinkSocket(.generic)
        #expect(try GenericFamily(resolving: "nlctrl", version: 2, on: socket).id == 16)
        let error = #expect(throws: NetlinkError.self) {
            try GenericFamily(resolving: "no-such-one", version: 1, on: socket)
        }
        #expect(error?.code == ENOENT)
    }

    @Test func aMissingAnswerIsAnErrorInTime() throws {
        let socket = try NetlinkSocket(.route, receiveTimeout: .milliseconds(50))
        // Nothing was sent under this number.
        let silent = NetlinkRequest(type: 1, payload: [], operation: "say nothing")
        let start = ContinuousClock.now
        let error = #expect(throws: NetlinkError.self) { _ = try socket.collect(1, for: silent) { $0 } }
        #expect(error?.kind == .noAnswer)
        #expect(ContinuousClock.now - start < .seconds(60))
        try socket.setReceiveTimeout(.seconds(30))
        #expect(try socket.request(link(1)).count == 1)
    }

    @Test func monitorDoesNotWait() throws {
        let monitor = try NetlinkMonitor(route: [.link, .ipv4Address])
        #expect(monitor.descriptor >= 0)
        #expect(fcntl(monitor.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        // Others may change links while this runs, so only the end is certain.
        while try monitor.receive() != .none {}
    }
}
