// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc

/// Answers one request a connection; it never waits for a client, and none can hold it up.
public final class RequestServer {
    /// What a client may take.
    public struct Limits: Sendable {
        /// The longest request in bytes.
        public var requestLength = 1024
        /// The most connections; the oldest one goes for the next.
        public var connections = 32
        /// Time for the whole of a connection.
        public var patience = Duration.seconds(5)

        /// The usual limits.
        public init() {}
    }

    /// What a client gets: bytes, and perhaps more that is made as the client takes it.
    public struct Answer {
        fileprivate var bytes: [UInt8]
        fileprivate var rest: (() -> [UInt8]?)?

        /// An answer that is complete.
        public init(_ bytes: [UInt8]) { self.bytes = bytes }

        /// An answer in parts, so that a long one does not hold up the loop: between two parts others have their turn.
        ///
        /// - Parameters:
        ///   - first: What is sent at once; may be empty.
        ///   - rest: Makes the next part, which may be empty; nil is the end. Not called again for a client that is gone.
        public init(_ first: [UInt8] = [], rest: @escaping () -> [UInt8]?) {
            bytes = first
            self.rest = rest
        }
    }

    private final class Client {
        let socket: OwnedDescriptor
        let number: UInt64
        var request: [UInt8] = []
        /// What is being sent; nil while the request is not complete.
        var answer: ArraySlice<UInt8>?
        var rest: (() -> [UInt8]?)?
        var timer: EventLoop.TimerID?

        init(_ socket: consuming OwnedDescriptor, number: UInt64) {
            self.socket = socket
            self.number = number
        }
    }

    private let listener: OwnedDescriptor
    private let loop: EventLoop
    private let limits: Limits
    private let answer: ([UInt8]) -> Answer?
    private var clients: [CInt: Client] = [:]
    private var lastNumber: UInt64 = 0

    /// Serves a listening socket.
    ///
    /// - Parameters:
    ///   - listener: The socket, non-blocking.
    ///   - loop: The loop that serves it.
    ///   - limits: What a client may take.
    ///   - answer: Gets the bytes that came so far; returns the answer, or nil while the request is not complete.
    /// - Throws: ``SystemError`` of epoll_ctl(2).
    public init(
        _ listener: consuming OwnedDescriptor,
        on loop: EventLoop,
        limits: Limits = Limits(),
        answer: @escaping ([UInt8]) -> Answer?
    ) throws(SystemError) {
        self.listener = listener
        self.loop = loop
        self.limits = limits
        self.answer = answer
        try loop.watch(self.listener.raw, for: .readable) { [weak self] _ in self?.accept() }
    }

    /// An answer to requests of one line: `answer` gets the line without its end.
    public static func lines(_ answer: @escaping (String) -> Answer) -> ([UInt8]) -> Answer? {
        { bytes in bytes.firstIndex(of: 0x0a).map { answer(String(decoding: bytes[..<$0], as: UTF8.self)) } }
    }

    /// Stops listening and ends all connections.
    public func close() {
        loop.unwatch(listener.raw)
        clients.keys.forEach(drop)
    }

    deinit { close() }

    private func accept() {
        while true {
            let descriptor = vervet_accept(listener.raw)
            guard descriptor >= 0 else {
                return
            }
            if clients.count >= limits.connections, let oldest = clients.min(by: { $0.value.number < $1.value.number })
            {
                drop(oldest.key)
            }
            lastNumber += 1
            let client = Client(OwnedDescriptor(owning: descriptor), number: lastNumber)
            clients[descriptor] = client
            client.timer = loop.after(limits.patience) { [weak self] in self?.drop(descriptor) }
            do {
                try loop.watch(descriptor, for: .readable) { [weak self] _ in self?.serve(descriptor) }
            } catch {
                drop(descriptor)
            }
        }
    }

    private func serve(_ descriptor: CInt) {
        guard let client = clients[descriptor] else {
            return
        }
        guard client.answer == nil else {
            return send(client, descriptor)
        }
        var chunk = [UInt8](repeating: 0, count: limits.requestLength)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else {
            if count == 0 || (errno != EAGAIN && errno != EINTR) {
                drop(descriptor)
            }
            return
        }
        client.request += chunk.prefix(count)
        if let answer = answer(client.request) {
            client.answer = answer.bytes[...]
            client.rest = answer.rest
            send(client, descriptor)
        } else if client.request.count >= limits.requestLength {
            drop(descriptor)
        }
    }

    private func send(_ client: Client, _ descriptor: CInt) {
        while let rest = client.answer, !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count >= 0 else {
                if errno != EAGAIN || !wait(descriptor, for: .writable) {
                    drop(descriptor)
                }
                return
            }
            client.answer = rest.dropFirst(count)
        }
        if let part = client.rest?() {
            // One part in a turn of the loop.
            client.answer = part[...]
            if !wait(descriptor, for: .writable) {
                drop(descriptor)
            }
            return
        }
        client.rest = nil
        // Closing while words of the client lie unread would make the kernel drop the answer (TCP): its end comes first.
        var rest = [UInt8](repeating: 0, count: 1024)
        if shutdown(descriptor, CInt(SHUT_WR)) != 0 || recv(descriptor, &rest, rest.count, 0) == 0
            || !wait(descriptor, for: .readable)
        {
            drop(descriptor)
        }
    }

    private func wait(_ descriptor: CInt, for readiness: EventLoop.Readiness) -> Bool {
        do {
            try loop.change(descriptor, to: readiness)
            return true
        } catch {
            return false
        }
    }

    private func drop(_ descriptor: CInt) {
        guard let client = clients.removeValue(forKey: descriptor) else {
            return
        }
        if let timer = client.timer {
            loop.cancel(timer)
        }
        loop.unwatch(descriptor)
    }
}
