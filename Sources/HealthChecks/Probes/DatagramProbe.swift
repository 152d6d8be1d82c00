// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// One check over UDP: ask, ask again while there is no answer, judge, within its deadline.
///
/// The socket is connected, so that answers of others are not seen and an ICMP error is: a closed port is down at once.
final class DatagramProbe: SingleResultProbe {
    var task: ProbeTask
    private let probe: Probe
    private let deadline: SuspendingClock.Instant
    private var conversation: any Conversation
    private var question: [UInt8] = []
    private var pause = Duration.seconds(1)
    private var descriptor: CInt = -1

    init(
        _ probe: Probe,
        _ conversation: any Conversation,
        on loop: EventLoop,
        _ finish: @escaping Prober.Completion
    ) {
        self.probe = probe
        self.conversation = conversation
        task = ProbeTask(on: loop, finish)
        deadline = task.started + probe.timeout
    }

    deinit { release() }

    func start() {
        do {
            try openSocket()
        } catch {
            let reason = probe.origin.explains(error)
            return decide(.down(reason ?? "no way to port \(probe.target.port): \(error.reason)"))
        }
        question = conversation.opening()
        ask()
    }

    private func openSocket() throws(SystemError) {
        let target = probe.target
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = try systemCall("socket") { socket(target.address.family.raw, kind, CInt(IPPROTO_UDP)) }
        let fd = descriptor
        try probe.origin.apply(to: fd, target.address.family)
        try target.withSockaddr { (address, length) throws(SystemError) in
            _ = try systemCall("connect", target.description) { Glibc.connect(fd, address, length) }
        }
        try task.loop.watch(fd, for: .readable) { [weak self] _ in self?.read() }
    }

    private func ask() {
        // An error of an earlier datagram may be told here; the read that follows tells it as well.
        _ = speaks ? send(descriptor, question, question.count, CInt(MSG_NOSIGNAL)) : 0
        let next = task.loop.now + pause
        pause *= 2
        // Datagrams get lost; the last question leaves some time for its answer.
        if speaks, next + .milliseconds(500) < deadline {
            task.setTimer(next) { [weak self] in self?.ask() }
        } else {
            task.setTimer(deadline) { [weak self] in self?.expired() }
        }
    }

    /// Even an empty datagram makes a machine say that nobody listens.
    private var speaks: Bool { !question.isEmpty || conversation.acceptsSilence }

    private func read() {
        var datagram = [UInt8](repeating: 0, count: 65535)
        // A few a turn: a flood does not keep the loop from others.
        for _ in 0..<8 {
            guard !task.isOver else {
                return
            }
            let count = recv(descriptor, &datagram, datagram.count, 0)
            guard count >= 0 else {
                let code = errno
                if code != EAGAIN, code != EINTR {
                    decide(.down(failure(code)))
                }
                return
            }
            act(on: conversation.receive(datagram.prefix(count)))
        }
    }

    private func act(on step: ConversationStep) {
        switch step {
        case .wait: break
        case .send(let bytes):
            question = bytes
            pause = .seconds(1)
            ask()
        case .finish(let outcome): decide(outcome)
        case .startTLS, .sendAndStartTLS, .follow: decide(.down("the answer asks for what cannot be done over UDP"))
        }
    }

    private func expired() {
        guard !conversation.acceptsSilence else {
            return decide(.up)
        }
        let silence = "no answer from UDP port \(probe.target.port) within \(probe.timeout.inSeconds)"
        decide(.down(silence + conversation.remarkOnSilence))
    }

    private func failure(_ code: CInt) -> String {
        code == ECONNREFUSED
            ? "UDP port \(probe.target.port) is closed"
            : "UDP port \(probe.target.port): \(SystemError(operation: "recv", code: code).reason)"
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
