// SPDX-License-Identifier: Apache-2.0
public import LinuxKit

/// Holds one idle TCP connection to a server that is up and tells at once when it breaks.
///
/// When a process dies the kernel ends its connections in the same moment, long before the next check would notice.
public final class IdleWatch {
    /// What a server may send unasked (a greeting) before it is left alone.
    private static let tolerance = 65_536
    private static let connectTimeout = Duration.seconds(5)

    private let server: SocketAddress
    private let origin: CheckOrigin
    private let loop: EventLoop
    private let lost: () -> Void
    private var policy = IdlePolicy()
    private var channel: StreamChannel?
    private var since: SuspendingClock.Instant?
    private var received = 0
    private var timer: EventLoop.TimerID?
    private var attemptIsPlanned = false

    /// - Parameters:
    ///   - probe: The check of the server, which tells where it is and where connections come from.
    ///   - loop: The loop that drives it.
    ///   - lost: Called when the connection ended or did not come about: the server has to be checked now.
    public init(_ probe: Probe, on loop: EventLoop, _ lost: @escaping () -> Void) {
        server = probe.target
        origin = probe.origin
        self.loop = loop
        self.lost = lost
    }

    deinit { close() }

    /// Whether a connection stands.
    public var isHeld: Bool { since != nil }

    /// What an operator should know about a server that cannot be watched; nil when nothing.
    public var remark: String? { policy.remark }

    /// Takes note of a regular check of the server.
    public func checked(_ outcome: CheckOutcome) {
        guard outcome == .up else {
            policy.failed()
            return close()
        }
        guard channel == nil, !attemptIsPlanned else {
            return
        }
        let pause = policy.confirmed()
        guard pause > .zero else {
            return open()
        }
        attemptIsPlanned = true
        setTimer(pause) { $0.open() }
    }

    /// Ends the connection, and what is planned.
    public func close() {
        setTimer(nil)
        attemptIsPlanned = false
        since = nil
        channel?.close()
        channel = nil
    }

    private func open() {
        close()
        received = 0
        let channel = StreamChannel(to: server, from: origin, on: loop) { [weak self] in self?.happened($0) }
        channel.keepsAlive = true
        self.channel = channel
        setTimer(Self.connectTimeout) { $0.gaveOut() }
        channel.open()
    }

    private func happened(_ event: StreamChannel.Event) {
        switch event {
        case .connected: connected()
        case .received(let bytes):
            received += bytes.count
            if received > Self.tolerance {
                gaveOut()
            }
        case .ended, .failed: gaveOut()
        case .secured: break
        }
    }

    private func connected() {
        since = loop.now
        setTimer(IdlePolicy.shortLife) { watch in
            watch.policy.lasted()
            // Exchanged before the server would close it, the connection never breaks without a reason.
            let rest = watch.policy.renewal.map { $0 - IdlePolicy.shortLife }
            watch.setTimer(rest.map { max(.zero, $0) }) { $0.open() }
        }
    }

    private func gaveOut() {
        if let since {
            policy.closed(after: loop.now - since)
        } else {
            policy.refused()
        }
        close()
        lost()
    }

    private func setTimer(_ delay: Duration?, _ action: @escaping (IdleWatch) -> Void = { _ in }) {
        if let timer {
            loop.cancel(timer)
        }
        timer = delay.map { delay in
            loop.after(delay) { [weak self] in
                if let self {
                    self.timer = nil
                    action(self)
                }
            }
        }
    }
}
