// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// One check over TCP: connect, talk, judge, within its deadlines.
final class TCPProbe: RunningProbe {
    private enum Phase {
        case connecting
        case talking
        case done
    }

    private let probe: Probe
    private let loop: EventLoop
    private let finish: Prober.Completion
    private let started: SuspendingClock.Instant
    private let deadline: SuspendingClock.Instant
    private var phase = Phase.connecting
    private var server: SocketAddress
    private var conversation: (any Conversation)?
    private var descriptor: CInt = -1
    private var outgoing: ArraySlice<UInt8> = []
    private var timer: EventLoop.TimerID?

    init(_ probe: Probe, on loop: EventLoop, _ finish: @escaping Prober.Completion) {
        self.probe = probe
        self.loop = loop
        self.finish = finish
        started = loop.now
        deadline = started + probe.timeout
        server = probe.target
        switch probe.method {
        case .http(let request): conversation = HTTPConversation(request, server: probe.target)
        case .lines(let dialogue): conversation = LineConversation(dialogue)
        default: conversation = nil
        }
    }

    deinit { closeSocket() }

    func start() { connect() }

    func cancel() { conclude() }

    private func connect() {
        do {
            try openSocket()
        } catch {
            decide(.down(connectFailure(error.code)))
        }
    }

    private func openSocket() throws(SystemError) {
        phase = .connecting
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = try systemCall("socket") { socket(server.address.family.raw, kind, CInt(IPPROTO_TCP)) }
        let limit = min(deadline, loop.now + probe.connectTimeout)
        setTimer(limit)
        let fd = descriptor
        try loop.watch(fd, for: .writable) { [weak self] in self?.ready($0) }
        do {
            try server.withSockaddr { (address, length) throws(SystemError) in
                _ = try systemCall("connect", server.description) { Glibc.connect(fd, address, length) }
            }
        } catch {
            // EINPROGRESS: the loop tells when it is over.
            guard error.code == EINPROGRESS else {
                throw error
            }
        }
    }

    private func ready(_ readiness: EventLoop.Readiness) {
        switch phase {
        case .connecting: connected()
        case .talking:
            if !outgoing.isEmpty, readiness.contains(.writable) {
                flush()
            }
            if phase == .talking, !readiness.isDisjoint(with: [.readable, .broken]) {
                read()
            }
        case .done: break
        }
    }

    private func connected() {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
            return decide(.down(connectFailure(code)))
        }
        guard conversation != nil else {
            return decide(.up)
        }
        phase = .talking
        setTimer(deadline)
        outgoing = conversation?.opening()[...] ?? []
        flush()
    }

    private func flush() {
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            if count < 0 {
                let code = errno
                if code == EINTR {
                    continue
                }
                if code == EAGAIN {
                    break
                }
                // What the server said before it closed may still say why; a broken read ends the check then.
                outgoing = []
                break
            }
            outgoing = outgoing.dropFirst(count)
        }
        do {
            try loop.change(descriptor, to: outgoing.isEmpty ? .readable : [.readable, .writable])
        } catch {
            decide(.down(error.description))
        }
    }

    private func read() {
        var chunk = [UInt8](repeating: 0, count: 16384)
        // One portion a turn: a server that never stops sending does not keep the loop from others.
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count < 0 {
            let code = errno
            guard code != EAGAIN, code != EINTR else {
                return
            }
            return decide(.down(talkFailure(code)))
        }
        let step = count == 0 ? conversation?.end() : conversation?.receive(chunk.prefix(count))
        act(on: step ?? .wait)
    }

    private func act(on step: ConversationStep) {
        switch step {
        case .wait: break
        case .send(let bytes):
            outgoing.append(contentsOf: bytes)
            flush()
        case .sendLast, .startTLS: decide(.down("under construction"))
        case .finish(let outcome): decide(outcome)
        case .follow(let request, let address):
            closeSocket()
            server = address
            conversation = HTTPConversation(request, server: address)
            connect()
        }
    }

    private func setTimer(_ instant: SuspendingClock.Instant) {
        if let timer {
            loop.cancel(timer)
        }
        timer = loop.at(instant) { [weak self] in self?.expired() }
    }

    private func expired() {
        switch phase {
        case .connecting:
            let limit = min(probe.connectTimeout, probe.timeout)
            decide(.down("no connection to port \(server.port) within \(limit.inSeconds)"))
        case .talking: decide(.down("connected, but no complete answer within \(probe.timeout.inSeconds)"))
        case .done: break
        }
    }

    private func decide(_ outcome: CheckOutcome) {
        guard phase != .done else {
            return
        }
        conclude()
        finish(CheckResult(outcome, duration: loop.now - started))
    }

    private func conclude() {
        phase = .done
        if let timer {
            loop.cancel(timer)
        }
        closeSocket()
    }

    private func closeSocket() {
        guard descriptor >= 0 else {
            return
        }
        loop.unwatch(descriptor)
        // The check is decided; a failing close of a socket changes nothing.
        _ = close(descriptor)
        descriptor = -1
    }

    private func connectFailure(_ code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "connection to port \(server.port) refused"
        case ETIMEDOUT: "no connection to port \(server.port): timed out"
        default: "no connection to port \(server.port): \(SystemError(operation: "connect", code: code).reason)"
        }
    }

    private func talkFailure(_ code: CInt) -> String {
        code == ECONNRESET
            ? "server reset the connection" : "connection broke: \(SystemError(operation: "recv", code: code).reason)"
    }
}

extension Duration {
    /// Seconds for an operator to read: "5 s", "0.25 s".
    public var inSeconds: String {
        let (seconds, attoseconds) = components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else {
            return "\(seconds) s"
        }
        var digits = String(1000 + milliseconds).dropFirst()
        while digits.last == "0" {
            digits.removeLast()
        }
        return "\(seconds).\(digits) s"
    }
}
