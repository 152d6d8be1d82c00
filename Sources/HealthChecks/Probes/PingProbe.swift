// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// `ICMP_FILTER` of linux/icmp.h, which Swift cannot see.
private let icmpFilter: CInt = 1

/// One check by ICMP echo, over a raw socket that is connected to the server; needs CAP_NET_RAW.
final class PingProbe: SingleResultProbe {
    var task: ProbeTask
    private let address: IPAddress
    private let scope: UInt32
    private let origin: CheckOrigin
    private let timeout: Duration
    private let count: Int
    private let identifier = UInt16.random(in: 1...UInt16.max)
    private var sequence: UInt16 = 0
    private var descriptor: CInt = -1
    private var lastError: String?

    init(_ probe: Probe, count: Int, on loop: EventLoop, _ finish: @escaping Prober.Completion) {
        address = probe.target.address
        scope = probe.target.scope
        origin = probe.origin
        timeout = probe.connectTimeout
        self.count = min(max(1, count), 1000)
        task = ProbeTask(on: loop, finish)
    }

    deinit { cancel() }

    func start() {
        do {
            try openSocket()
            sendRequest()
        } catch {
            let hint = error.code == EPERM ? " (ping checks need CAP_NET_RAW)" : ""
            decide(.down(origin.explains(error) ?? "cannot ping: \(error.reason)\(hint)"))
        }
    }

    private func openSocket() throws(SystemError) {
        let kind = CInt(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let proto = address.family == .ipv4 ? CInt(IPPROTO_ICMP) : CInt(IPPROTO_ICMPV6)
        descriptor = try systemCall("socket") { socket(address.family.raw, kind, proto) }
        let fd = descriptor
        // Without it the loop would also be woken by our own traffic of other kinds; not vital, so no error.
        if address.family == .ipv4 {
            var blocked: UInt32 = ~1
            _ = setsockopt(fd, CInt(SOL_RAW), icmpFilter, &blocked, socklen_t(MemoryLayout<UInt32>.size))
        } else {
            var filter = icmp6_filter()
            withUnsafeMutableBytes(of: &filter) { bytes in
                bytes.initializeMemory(as: UInt8.self, repeating: 0xff)
                bytes.storeBytes(of: ~UInt32(1 << (129 & 31)), toByteOffset: 129 / 32 * 4, as: UInt32.self)
            }
            _ = setsockopt(fd, CInt(IPPROTO_ICMPV6), ICMP6_FILTER, &filter, socklen_t(MemoryLayout<icmp6_filter>.size))
        }
        try origin.apply(to: fd, address.family)
        try SocketAddress(address, port: 0, scope: scope).withSockaddr { (pointer, length) throws(SystemError) in
            _ = try systemCall("connect", address.description) { connect(fd, pointer, length) }
        }
        try task.loop.watch(fd, for: .readable) { [weak self] _ in self?.read() }
    }

    private func sendRequest() {
        guard sequence < UInt16(count) else {
            let tries = count == 1 ? "" : " to any of \(count) requests"
            return decide(.down(lastError ?? "no ping reply within \(timeout.inSeconds)\(tries)"))
        }
        sequence += 1
        let packet = ICMPEcho.request(address.family, identifier: identifier, sequence: sequence)
        if send(descriptor, packet, packet.count, CInt(MSG_NOSIGNAL)) < 0 {
            lastError = "cannot ping: \(SystemError.last("send").reason)"
        }
        task.setTimer(task.loop.now + timeout) { [weak self] in self?.sendRequest() }
    }

    private func read() {
        var packet = [UInt8](repeating: 0, count: 512)
        for _ in 0..<16 {
            let length = recv(descriptor, &packet, packet.count, 0)
            if length < 0 {
                let error = SystemError.last("recv")
                if error.code != EAGAIN, error.code != EINTR {
                    // ICMP unreachable from a router; the next request may still come through.
                    lastError = "no ping reply: \(error.reason)"
                }
                return
            }
            let reply = packet.prefix(length)
            // Replies to earlier requests of this check count as well.
            if (1...max(1, sequence)).contains(where: {
                ICMPEcho.isReply(reply, address.family, identifier: identifier, sequence: $0)
            }) {
                return decide(.up)
            }
        }
    }

    func release() {
        guard descriptor >= 0 else {
            return
        }
        task.loop.unwatchForClose(descriptor)
        // Nothing can be done about a failing close of a socket.
        _ = close(descriptor)
        descriptor = -1
    }
}
