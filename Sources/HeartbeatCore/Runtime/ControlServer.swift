// SPDX-License-Identifier: Apache-2.0
import CLinuxShims
import Glibc
import LinuxKit

/// Answers one request line a connection on a Unix socket; it never waits for a client.
final class ControlServer {
    private final class Client {
        let socket: OwnedDescriptor
        var request: [UInt8] = []
        var answer: ArraySlice<UInt8> = []
        var isAnswering = false

        init(_ socket: consuming OwnedDescriptor) {
            self.socket = socket
        }
    }

    private static let longestRequest = 256
    private static let mostClients = 32
    private static let patience = Duration.seconds(5)

    private let path: String
    private let listener: OwnedDescriptor
    private let loop: EventLoop
    private let answer: (String) -> String
    private var clients: [CInt: Client] = [:]

    /// Listens; the socket is for root and, when there is one, the group haclient.
    init(path: String, loop: EventLoop, answer: @escaping (String) -> String) throws(SystemError) {
        self.path = path
        self.loop = loop
        self.answer = answer
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try TextFile.makeDirectory(String(path[..<slash]))
        }
        let flags = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let opened = OwnedDescriptor(owning: try systemCall("socket", path) { socket(AF_UNIX, flags, 0) })
        let raw = opened.raw
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(operation: "bind", subject: path, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        // We hold the run file, so a socket that is there belongs to nobody.
        _ = unlink(path)
        try systemCall("bind", path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        try systemCall("chmod", path) { chmod(path, 0o660) }
        if let group = getgrnam("haclient") {
            // Without the right to change the group only root may ask.
            _ = chown(path, uid_t.max, group.pointee.gr_gid)
        }
        try systemCall("listen", path) { listen(raw, 16) }
        listener = opened
        try loop.watch(raw, for: .readable) { [weak self] _ in self?.accept() }
    }

    /// Removes the socket.
    func close() {
        loop.unwatch(listener.raw)
        // A socket that stays refuses connections, which says the same.
        _ = unlink(path)
    }

    private func accept() {
        while clients.count < Self.mostClients {
            let number = vervet_accept(listener.raw)
            guard number >= 0 else {
                return
            }
            clients[number] = Client(OwnedDescriptor(owning: number))
            do {
                try loop.watch(number, for: .readable) { [weak self] _ in self?.serve(number) }
            } catch {
                clients[number] = nil
                return
            }
            loop.after(Self.patience) { [weak self, weak client = clients[number]] in
                if let client, self?.clients[number] === client {
                    self?.drop(number)
                }
            }
        }
    }

    private func serve(_ number: CInt) {
        guard let client = clients[number] else {
            return
        }
        if !client.isAnswering {
            read(client, number)
        }
        if client.isAnswering {
            write(client, number)
        }
    }

    private func read(_ client: Client, _ number: CInt) {
        var chunk = [UInt8](repeating: 0, count: 256)
        let count = recv(number, &chunk, chunk.count, 0)
        guard count > 0 else {
            if count == 0 || errno != EAGAIN {
                drop(number)
            }
            return
        }
        client.request += chunk.prefix(count)
        if let end = client.request.firstIndex(of: 0x0a) {
            client.answer = Array(answer(String(decoding: client.request[..<end], as: UTF8.self)).utf8)[...]
            client.isAnswering = true
        } else if client.request.count > Self.longestRequest {
            drop(number)
        }
    }

    private func write(_ client: Client, _ number: CInt) {
        while !client.answer.isEmpty {
            let count = client.answer.withUnsafeBytes { send(number, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            if count < 0, errno == EAGAIN {
                // Fails only for a descriptor that is not watched, and then the connection is over anyway.
                try? loop.change(number, to: .writable)
                return
            }
            guard count > 0 else {
                break
            }
            client.answer = client.answer.dropFirst(count)
        }
        drop(number)
    }

    private func drop(_ number: CInt) {
        loop.unwatch(number)
        clients[number] = nil
    }
}
