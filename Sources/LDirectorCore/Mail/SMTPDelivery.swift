// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import HealthChecks
import LinuxKit

/// Hands one mail to an SMTP server, without ever blocking the event loop.
final class SMTPDelivery {
    /// Time for everything, the lookup of the server's name included.
    static let timeLimit = Duration.seconds(30)

    private let loop: EventLoop
    private let server: String
    private let port: UInt16
    private var conversation: SMTPConversation
    private var completion: ((SMTPConversation.Outcome) -> Void)?
    private var addresses: [SocketAddress] = []
    private var problem = "it has no address"
    private var descriptor: CInt = -1
    private var isConnected = false
    private var outgoing: ArraySlice<UInt8> = []
    private var timer: EventLoop.TimerID?

    /// Starts the delivery.
    ///
    /// - Parameters:
    ///   - conversation: The session to have.
    ///   - server: Name or address of the server.
    ///   - port: Its port.
    ///   - loop: The loop that serves it.
    ///   - completion: Called once, never before this returns.
    init(
        _ conversation: SMTPConversation,
        to server: String,
        port: UInt16 = 25,
        on loop: EventLoop,
        _ completion: @escaping (SMTPConversation.Outcome) -> Void
    ) {
        self.conversation = conversation
        self.server = server
        self.port = port
        self.loop = loop
        self.completion = completion
        timer = loop.after(Self.timeLimit) { [weak self] in
            self?.finish(.deferred("no end after \(Self.timeLimit.inSeconds)"))
        }
        if let address = IPAddress(server) {
            addresses = [SocketAddress(address, port: port)]
            loop.after(.zero) { [weak self] in self?.connectNext() }
        } else {
            lookUp()
        }
    }

    deinit { abandon() }

    /// Ends it without a word to anybody.
    func abandon() {
        completion = nil
        closeSocket()
        if let timer {
            loop.cancel(timer)
        }
        timer = nil
    }

    private func lookUp() {
        let (server, port) = (server, port)
        do {
            try BackgroundWork.start(on: loop) {
                let resolver = SystemNameResolver()
                return [IPAddress.Family.ipv4, .ipv6].compactMap { family -> SocketAddress? in
                    do {
                        return SocketAddress(try resolver.address(of: server, family: family), port: port)
                    } catch {
                        return nil
                    }
                }
            } completion: { [weak self] found in
                guard let self, self.completion != nil else {
                    return
                }
                self.addresses = found
                self.problem = "its name is not known"
                self.connectNext()
            }
        } catch {
            problem = "\(error)"
            loop.after(.zero) { [weak self] in self?.connectNext() }
        }
    }

    private func connectNext() {
        closeSocket()
        while !addresses.isEmpty {
            let address = addresses.removeFirst()
            do {
                return try connect(address)
            } catch {
                problem = error.reason
                closeSocket()
            }
        }
        finish(.deferred("cannot connect to \(server): \(problem)"))
    }

    private func connect(_ address: SocketAddress) throws(SystemError) {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let fd = try systemCall("socket") { socket(address.address.family.raw, kind, CInt(IPPROTO_TCP)) }
        descriptor = fd
        isConnected = false
        let status = address.withSockaddr { Glibc.connect(fd, $0, $1) }
        guard status == 0 || errno == EINPROGRESS else {
            throw .last("connect", "\(address)")
        }
        try loop.watch(fd, for: .writable) { [weak self] _ in self?.ready() }
    }

    private func ready() {
        guard isConnected else {
            var code: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
                problem = SystemError(operation: "connect", code: code).reason
                return connectNext()
            }
            isConnected = true
            return wait(for: .readable)
        }
        guard outgoing.isEmpty else {
            return flush()
        }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR {
            return
        }
        guard count > 0 else {
            return finish(.deferred("\(server) closed the connection"))
        }
        switch conversation.receive(chunk.prefix(count)) {
        case .wait: break
        case .send(let bytes):
            outgoing = bytes[...]
            flush()
        case .end(let outcome, let farewell):
            // Its answer to the farewell is of no interest, and whether it hears it neither.
            _ = farewell.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            finish(outcome)
        }
    }

    private func flush() {
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count >= 0 else {
                guard errno == EAGAIN else {
                    return finish(.deferred("\(server): \(SystemError.last("send").reason)"))
                }
                return wait(for: .writable)
            }
            outgoing = outgoing.dropFirst(count)
        }
        wait(for: .readable)
    }

    private func wait(for readiness: EventLoop.Readiness) {
        do {
            try loop.change(descriptor, to: readiness)
        } catch {
            finish(.deferred("\(error)"))
        }
    }

    private func finish(_ outcome: SMTPConversation.Outcome) {
        let report = completion
        abandon()
        report?(outcome)
    }

    private func closeSocket() {
        guard descriptor >= 0 else {
            return
        }
        loop.unwatch(descriptor)
        // Nothing useful can be done about a failing close.
        _ = close(descriptor)
        descriptor = -1
    }
}
