// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// One check over TCP: connect, TLS if it is asked for, talk, judge, within its deadlines.
final class StreamProbe: SingleResultProbe {
    var task: ProbeTask
    private enum Phase {
        case connecting
        case securing
        case talking
        case done
    }

    private let probe: Probe
    private let contexts: TLSContexts
    private let deadline: SuspendingClock.Instant
    private var phase = Phase.connecting
    private var conversation: (any Conversation)?
    private var channel: StreamChannel?
    /// TLS as soon as the connection stands.
    private var security: TLSSettings?

    init(
        _ probe: Probe,
        _ conversation: (any Conversation)?,
        on loop: EventLoop,
        _ contexts: TLSContexts,
        _ finish: @escaping Prober.Completion
    ) {
        self.probe = probe
        self.contexts = contexts
        task = ProbeTask(on: loop, finish)
        deadline = task.started + probe.timeout
        self.conversation = conversation
        if case .tls(let settings) = probe.security {
            security = settings
        }
    }

    func start() { connect(to: probe.target) }

    private func connect(to server: SocketAddress) {
        phase = .connecting
        setTimer(min(deadline, task.loop.turn + probe.connectTimeout))
        let channel = StreamChannel(to: server, from: probe.origin, on: task.loop) { [weak self] in self?.happened($0) }
        self.channel = channel
        channel.open()
    }

    private func happened(_ event: StreamChannel.Event) {
        guard phase != .done else {
            return
        }
        switch event {
        case .connected: connected()
        case .secured where security != nil:
            security = nil
            converse()
        case .secured:
            phase = .talking
            act(on: conversation?.secured() ?? .wait)
        case .received(let bytes): act(on: conversation?.receive(bytes) ?? .wait)
        case .ended: act(on: conversation?.end() ?? .wait)
        case .failed(let reason): decide(.down(reason))
        }
    }

    private func connected() {
        guard conversation != nil else {
            return decide(.up)
        }
        setTimer(deadline)
        if let security {
            startTLS(security)
        } else {
            converse()
        }
    }

    private func startTLS(_ settings: TLSSettings) {
        phase = .securing
        do {
            channel?.startTLS(try contexts.context(for: settings))
        } catch {
            decide(.down("TLS: \(error)"))
        }
    }

    private func converse() {
        phase = .talking
        let opening = conversation?.opening() ?? []
        if !opening.isEmpty {
            channel?.send(opening)
        }
        if conversation?.endsAfterOpening == true {
            channel?.finishSending()
        }
    }

    private func act(on step: ConversationStep) {
        switch step {
        case .wait: break
        case .send(let bytes): channel?.send(bytes)
        case .startTLS: startTLS(probe.tlsSettings)
        case .sendAndStartTLS(let bytes):
            channel?.send(bytes)
            startTLS(probe.tlsSettings)
        case .finish(let outcome): conclude(outcome)
        case .follow(let request, let address, let security):
            channel?.close()
            self.security = security
            conversation = HTTPConversation(request, server: address, tls: probe.tlsSettings)
            connect(to: address)
        }
    }

    private func setTimer(_ instant: SuspendingClock.Instant) {
        task.setTimer(instant) { [weak self] in self?.expired() }
    }

    private func expired() {
        switch phase {
        case .connecting:
            let limit = min(probe.connectTimeout, probe.timeout)
            decide(.down("no connection to port \(channel?.server.port ?? 0) within \(limit.inSeconds)"))
        case .securing: decide(.down("connected, but no TLS handshake within \(probe.timeout.inSeconds)"))
        case .talking: conclude(.down("connected, but no complete answer within \(probe.timeout.inSeconds)"))
        case .done: break
        }
    }

    /// The verdict at the end of the talk, with a good-bye.
    private func conclude(_ outcome: CheckOutcome) {
        let farewell = phase == .talking ? conversation?.farewell ?? [] : []
        phase = .done
        if !farewell.isEmpty {
            channel?.send(farewell)
        }
        decide(outcome)
    }

    func release() {
        phase = .done
        channel?.close()
    }
}
