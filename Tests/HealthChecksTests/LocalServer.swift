// SPDX-License-Identifier: Apache-2.0
import Glibc
import HealthChecks
import LinuxKit

/// A TCP server on a loopback port, driven by the test's own event loop: it plays what a real server may do.
final class LocalServer {
    enum Behaviour {
        /// Sends these portions, one after each pause, as soon as a client connects (or spoke, when it must speak first).
        case send([String], pause: Duration = .zero, afterRequest: Bool = true, thenClose: Bool = true)
        /// Accepts and says nothing.
        case silent
        /// Sends this and listens; ``LocalServer/takeRest()`` tells what came.
        case greet(String)
        /// Accepts and resets.
        case reset
        /// Sends without end.
        case endless
    }

    let address: SocketAddress
    private(set) var requests: [String] = []
    private let loop: EventLoop
    private let listener: OwnedDescriptor
    private let behaviour: Behaviour
    private var clients: Set<CInt> = []

    init(_ behaviour: Behaviour, on loop: EventLoop) throws {
        self.behaviour = behaviour
        self.loop = loop
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        listener = OwnedDescriptor(owning: try systemCall("socket") { socket(AF_INET, kind, 0) })
        let fd = listener.raw
        let any = SocketAddress(IPAddress(ipv4: 0x7f00_0001), port: 0)
        _ = try any.withSockaddr { pointer, length in try systemCall("bind") { bind(fd, pointer, length) } }
        try systemCall("listen") { listen(fd, 16) }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try systemCall("getsockname") {
            withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
            }
        }
        address = SocketAddress(storage) ?? any
        try loop.watch(fd, for: .readable) { [weak self] _ in self?.accept() }
    }

    deinit {
        loop.unwatch(listener.raw)
        clients.forEach(end)
    }

    private func accept() {
        let fd = Glibc.accept(listener.raw, nil, nil)
        guard fd >= 0 else {
            return
        }
        clients.insert(fd)
        switch behaviour {
        case .silent: break
        case .greet(let text): play(fd, [text], .zero, false)
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
            end(fd)
        case .endless: flood(fd)
        case .send(let portions, let pause, let afterRequest, let thenClose):
            guard afterRequest else {
                return play(fd, portions[...], pause, thenClose)
            }
            do {
                try loop.watch(fd, for: .readable) { [weak self] _ in
                    self?.loop.unwatch(fd)
                    self?.note(fd)
                    self?.play(fd, portions[...], pause, thenClose)
                }
            } catch {
                end(fd)
            }
        }
    }

    /// What the clients of ``Behaviour/greet(_:)`` sent, and whether each closed its connection in order.
    func takeRest() -> (requests: [String], isClosed: Bool) {
        clients.forEach(note)
        var byte: UInt8 = 0
        return (requests, clients.allSatisfy { recv($0, &byte, 1, CInt(MSG_DONTWAIT)) == 0 })
    }

    private func note(_ fd: CInt) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(fd, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        requests.append(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self))
    }

    private func play(_ fd: CInt, _ portions: ArraySlice<String>, _ pause: Duration, _ thenClose: Bool) {
        guard clients.contains(fd) else {
            return
        }
        guard let first = portions.first else {
            return thenClose ? end(fd) : ()
        }
        let bytes = Array(first.utf8)
        _ = send(fd, bytes, bytes.count, CInt(MSG_NOSIGNAL))
        loop.after(pause) { [weak self] in self?.play(fd, portions.dropFirst(), pause, thenClose) }
    }

    private func flood(_ fd: CInt) {
        guard clients.contains(fd) else {
            return
        }
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)
        let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT)
        if send(fd, bytes, bytes.count, flags) < 0, errno != EAGAIN {
            return end(fd)
        }
        loop.after(.milliseconds(1)) { [weak self] in self?.flood(fd) }
    }

    private func end(_ fd: CInt) {
        clients.remove(fd)
        _ = close(fd)
    }
}

/// Runs one probe to its result, with its servers, on a loop of its own.
func result(of probe: Probe, on loop: EventLoop) throws -> CheckResult? {
    let prober = Prober(on: loop)
    var result: CheckResult?
    prober.start(probe) {
        result = $0
        loop.stop()
    }
    let guardTimer = loop.after(.seconds(60)) { loop.stop() }
    try loop.run()
    loop.cancel(guardTimer)
    return result
}
