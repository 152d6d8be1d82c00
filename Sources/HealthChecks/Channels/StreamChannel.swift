// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// One TCP connection on an event loop, plain or with TLS; deadlines are its owner's.
final class StreamChannel {
    /// What happens on a connection.
    enum Event {
        /// The connection stands.
        case connected
        /// TLS stands.
        case secured
        /// Bytes came.
        case received(ArraySlice<UInt8>)
        /// The server closed its side.
        case ended
        /// There is no connection, or none any more; the clause says why.
        case failed(String)
    }

    /// The server.
    let server: SocketAddress

    /// Whether the kernel asks an idle server from time to time if it still knows of the connection; set before ``open()``.
    var keepsAlive = false

    private let origin: CheckOrigin
    private let loop: EventLoop
    private let handler: (Event) -> Void
    private var descriptor: CInt = -1
    private var isConnected = false
    private var outgoing: ArraySlice<UInt8> = []
    private var isLast = false
    /// Whether sending met a reset, which the kernel tells only once.
    private var isReset = false
    private var tls: TLSSession?

    /// - Parameters:
    ///   - server: Where to connect to.
    ///   - origin: Where to connect from.
    ///   - loop: The loop that tells what happens.
    ///   - handler: Called on the loop's thread; a failure may be told inside the call that met it.
    init(
        to server: SocketAddress,
        from origin: CheckOrigin = CheckOrigin(),
        on loop: EventLoop,
        _ handler: @escaping (Event) -> Void
    ) {
        self.server = server
        self.origin = origin
        self.loop = loop
        self.handler = handler
    }

    deinit { close() }

    /// Begins to connect.
    func open() {
        do {
            try openSocket()
        } catch {
            fail(origin.explains(error) ?? connectFailure(error.code))
        }
    }

    /// Whether the connection was made and TLS, if it began, is established.
    var isReady: Bool { isConnected && tls?.isEstablished != false }

    private func openSocket() throws(SystemError) {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = try systemCall("socket") { socket(server.address.family.raw, kind, CInt(IPPROTO_TCP)) }
        let fd = descriptor
        try origin.apply(to: fd, server.address.family)
        if keepsAlive {
            keepAlive()
        }
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
        // One registration for life: a check is too short to pay for changes of it.
        let interest: EventLoop.Readiness = [.readable, .writable, .ended, .onlyChanges]
        try loop.watch(fd, for: interest) { [weak self] in self?.ready($0) }
    }

    /// A server that lost its power says so only when it is asked: after 20 s of silence, and four times in 20 s more.
    private func keepAlive() {
        let options: [(level: CInt, name: CInt, value: CInt)] = [
            (SOL_SOCKET, SO_KEEPALIVE, 1), (CInt(IPPROTO_TCP), TCP_KEEPIDLE, 20), (CInt(IPPROTO_TCP), TCP_KEEPINTVL, 5),
            (CInt(IPPROTO_TCP), TCP_KEEPCNT, 4),
        ]
        for option in options {
            var value = option.value
            // Without it the end is noticed later, by the regular checks.
            _ = setsockopt(descriptor, option.level, option.name, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }

    /// Sends bytes, encrypted when TLS was started.
    func send(_ bytes: [UInt8]) {
        if let tls {
            do {
                try tls.send(bytes[...])
            } catch {
                return fail("TLS: \(error)")
            }
            outgoing.append(contentsOf: tls.takeOutput())
        } else {
            outgoing.append(contentsOf: bytes)
        }
        flush()
    }

    /// Ends this side of the connection after everything was sent.
    func finishSending() {
        if let tls {
            tls.sendEnd()
            outgoing.append(contentsOf: tls.takeOutput())
        }
        isLast = true
        flush()
    }

    /// Begins TLS, going on with the session of another connection when there is one.
    func startTLS(_ context: TLSContext, resuming other: StreamChannel? = nil) {
        do {
            let session = try TLSSession(context, resuming: other?.tls)
            tls = session
            _ = try session.receive([])
            outgoing.append(contentsOf: session.takeOutput())
        } catch {
            return fail("TLS: \(error)")
        }
        flush()
    }

    /// Ends the connection at once; nothing is reported any more.
    func close() {
        guard descriptor >= 0 else {
            return
        }
        loop.unwatchForClose(descriptor)
        // What was to be learned is learned; a failing close of a socket changes nothing.
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    private func ready(_ readiness: EventLoop.Readiness) {
        if !isConnected {
            connected(isDoubtful: !readiness.isDisjoint(with: .broken))
        } else if readiness.contains(.writable), !outgoing.isEmpty {
            flush()
        }
        if !readiness.isDisjoint(with: [.readable, .broken, .ended]) {
            read(untilEnd: !readiness.isDisjoint(with: [.broken, .ended]))
        }
    }

    private func connected(isDoubtful: Bool) {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        if isDoubtful, getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) != 0 || code != 0 {
            return fail(connectFailure(code))
        }
        isConnected = true
        flush()
        handler(.connected)
    }

    private func flush() {
        guard isConnected, descriptor >= 0 else {
            return
        }
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count < 0 {
                let code = errno
                if code == EINTR {
                    continue
                }
                if code == EAGAIN {
                    break
                }
                // What the server said before it closed may still say why; a broken read ends the check then.
                isReset = code == ECONNRESET
                outgoing = []
                break
            }
            outgoing = outgoing.dropFirst(count)
        }
        if isLast, outgoing.isEmpty {
            isLast = false
            // ENOTCONN: the server was faster.
            _ = shutdown(descriptor, CInt(SHUT_WR))
        }
    }

    /// Reads one portion a turn: a server that never stops sending does not keep the loop from others.
    ///
    /// - Parameter untilEnd: Whether the loop has told the end already, and will not tell it again.
    private func read(untilEnd: Bool) {
        guard descriptor >= 0 else {
            return
        }
        var code: CInt = 0
        var isEnd = false
        let size = 16384
        let chunk = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            var count = -1
            repeat {
                count = recv(descriptor, buffer.baseAddress, size, 0)
            } while count < 0 && errno == EINTR
            code = count < 0 ? errno : 0
            isEnd = count == 0
            filled = max(0, count)
        }
        if code != 0 {
            return code == EAGAIN ? () : fail(talkFailure(code))
        }
        guard !isEnd else {
            if isReset {
                return fail(talkFailure(ECONNRESET))
            }
            return tls?.isEstablished == false
                ? fail("TLS: server closed the connection during the handshake") : ended()
        }
        if untilEnd || chunk.count == size {
            loop.soon { [weak self] in self?.read(untilEnd: untilEnd) }
        }
        guard let tls else {
            return handler(.received(chunk[...]))
        }
        decrypt(chunk[...], tls)
    }

    private func decrypt(_ ciphertext: ArraySlice<UInt8>, _ tls: TLSSession) {
        let wasEstablished = tls.isEstablished
        let plaintext: [UInt8]
        do {
            plaintext = try tls.receive(ciphertext)
        } catch {
            return fail("TLS: \(error)")
        }
        outgoing.append(contentsOf: tls.takeOutput())
        flush()
        if !wasEstablished, tls.isEstablished, descriptor >= 0 {
            handler(.secured)
        }
        if !plaintext.isEmpty, descriptor >= 0 {
            handler(.received(plaintext[...]))
        }
        if tls.isEnded, descriptor >= 0 {
            ended()
        }
    }

    private func ended() {
        close()
        handler(.ended)
    }

    private func fail(_ reason: String) {
        close()
        handler(.failed(reason))
    }

    private func connectFailure(_ code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "connection to port \(server.port) refused"
        // A refusal has a code of its own; this connection stood before it was noticed.
        case ECONNRESET: talkFailure(code)
        case ETIMEDOUT: "no connection to port \(server.port): timed out"
        default: "no connection to port \(server.port): \(SystemError(operation: "connect", code: code).reason)"
        }
    }

    private func talkFailure(_ code: CInt) -> String {
        code == ECONNRESET
            ? "server reset the connection" : "connection broke: \(SystemError(operation: "recv", code: code).reason)"
    }
}
