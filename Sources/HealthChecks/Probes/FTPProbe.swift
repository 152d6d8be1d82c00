// SPDX-License-Identifier: Apache-2.0
import LinuxKit

/// One check of an FTP server: a control connection, and a data connection when a file is fetched.
final class FTPProbe: SingleResultProbe {
    var task: ProbeTask
    private let probe: Probe
    private let retrieval: FTPRetrieval
    private let contexts: TLSContexts
    private let deadline: SuspendingClock.Instant
    private var dialogue: FTPDialogue
    private var control: StreamChannel?
    private var data: StreamChannel?
    private var isConnected = false

    init(
        _ probe: Probe,
        _ retrieval: FTPRetrieval,
        on loop: EventLoop,
        _ contexts: TLSContexts,
        _ finish: @escaping Prober.Completion
    ) {
        self.probe = probe
        self.retrieval = retrieval
        self.contexts = contexts
        dialogue = FTPDialogue(retrieval, probe.target.address.family)
        task = ProbeTask(on: loop, finish)
        deadline = task.started + probe.timeout
    }

    func start() {
        setTimer(min(deadline, task.started + probe.connectTimeout))
        let channel = StreamChannel(to: probe.target, from: probe.origin, on: task.loop) { [weak self] in
            self?.happened($0)
        }
        control = channel
        channel.open()
    }

    private func happened(_ event: StreamChannel.Event) {
        guard !task.isOver else {
            return
        }
        switch event {
        case .connected:
            isConnected = true
            setTimer(deadline)
        case .received(let bytes): act(on: dialogue.receive(bytes))
        case .ended: act(on: dialogue.end())
        case .failed(let reason): decide(.down(reason))
        case .secured: act(on: dialogue.secured())
        }
    }

    private func happenedOnData(_ event: StreamChannel.Event) {
        guard !task.isOver else {
            return
        }
        switch event {
        case .received(let bytes): act(on: dialogue.receiveData(bytes))
        case .ended: act(on: dialogue.endData())
        case .failed(let reason): decide(.down("data connection: \(reason)"))
        case .connected:
            // RFC 4217, 10.2: many servers take a data connection only if it goes on with the control connection's session.
            if retrieval.startsTLS {
                startTLS(data, resuming: control)
            }
        case .secured: break
        }
    }

    private func act(on action: FTPDialogue.Action) {
        switch action {
        case .wait: break
        case .startTLS: startTLS(control, resuming: nil)
        case .send(let text): control?.send(Array((text + "\r\n").utf8))
        case .openData(let port, let text):
            let server = SocketAddress(probe.target.address, port: port, scope: probe.target.scope)
            let channel = StreamChannel(to: server, from: probe.origin, on: task.loop) { [weak self] in
                self?.happenedOnData($0)
            }
            data = channel
            channel.open()
            control?.send(Array((text + "\r\n").utf8))
        case .finish(let outcome): decide(outcome)
        }
    }

    private func startTLS(_ channel: StreamChannel?, resuming other: StreamChannel?) {
        do {
            channel?.startTLS(try contexts.context(for: probe.tlsSettings), resuming: other)
        } catch {
            decide(.down("TLS: \(error)"))
        }
    }

    private func setTimer(_ instant: SuspendingClock.Instant) {
        task.setTimer(instant) { [weak self] in self?.expired() }
    }

    private func expired() {
        guard isConnected else {
            let limit = min(probe.connectTimeout, probe.timeout)
            return decide(.down("no connection to port \(probe.target.port) within \(limit.inSeconds)"))
        }
        decide(.down("connected, but no complete answer within \(probe.timeout.inSeconds)"))
    }

    func release() {
        data?.close()
        control?.close()
    }
}
